"""The shape of a certificate that is added: a file, or its text."""

from typing import Any

from django import forms

from apis.certificates.reading import MAX_BYTES


class CertificateForm(forms.Form):
    file = forms.FileField(
        required=False,
        help_text="PEM: a certificate with its chain, with or without its private key; or one public key to pin.",
    )
    text = forms.CharField(
        required=False,
        max_length=MAX_BYTES,
        label="Or paste it",
        widget=forms.Textarea(attrs={"rows": 12, "class": "mono", "spellcheck": "false", "autocomplete": "off"}),
    )

    def clean(self) -> dict[str, Any]:
        if not self.errors and bool(self.cleaned_data["file"]) == bool(self.cleaned_data["text"]):
            self.add_error("file", "Choose a file, or paste its text below: one of them.")
        return self.cleaned_data

    def pem(self) -> bytes:
        file = self.cleaned_data["file"]
        return bytes(file.read(MAX_BYTES + 1)) if file else self.cleaned_data["text"].encode()
