"""The form of the import: files, or one document that is pasted, and what is said of all of them."""

from collections.abc import Iterator
from typing import Any, TypeAlias

from django import forms
from django.core.files.uploadedfile import UploadedFile

from apis import openapi
from apis.forms import retype, split, tags_help, unless_faulty
from apis.rules import MAX_LISTEN_PATH, listen_path_fault
from orgs.addresses import MAX_TARGET, target_fault

File: TypeAlias = "UploadedFile[Any]"
MOST_PER_REQUEST = 25_000_000  # bytes


class FilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Any number of files; cleaned to a list."""

    widget = FilesInput

    def clean(self, data: Any, initial: Any = None) -> list[File]:
        checked = super().clean
        return [checked(file, initial) for file in data or []]


class ImportForm(forms.Form):
    file = FilesField(
        required=False,
        label="Files",
        help_text="OpenAPI 3.0 or 3.1 as JSON or YAML, or a Tyk API definition. Several at once will do.",
    )
    text = forms.CharField(
        required=False,
        strip=False,
        label="Or paste a document",
        widget=forms.Textarea(attrs={"rows": 12, "class": "mono", "spellcheck": "false"}),
    )
    target_url = forms.CharField(
        required=False,
        max_length=MAX_TARGET,
        label="Target",
        help_text="Left empty, the first server that the document names.",
        widget=forms.TextInput(attrs={"placeholder": "https://api.example.com/v1", "spellcheck": "false"}),
    )
    listen_path = forms.CharField(
        required=False,
        max_length=MAX_LISTEN_PATH,
        help_text="Left empty, it follows from the title.",
        widget=forms.TextInput(attrs={"spellcheck": "false"}),
    )

    tags = forms.CharField(required=False, max_length=2000)

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.fields["tags"].help_text = f"Added to those of the documents. {tags_help()}"

    def clean_file(self) -> list[File]:
        files: list[File] = self.cleaned_data["file"]
        for file in files:
            if (file.size or 0) > openapi.MAX_BYTES:
                raise forms.ValidationError(f"{file.name} is larger than {openapi.MAX_BYTES // 1_000_000} MB.")
        if sum(file.size or 0 for file in files) > MOST_PER_REQUEST:
            raise forms.ValidationError(f"Together the files are larger than {MOST_PER_REQUEST // 1_000_000} MB.")
        return files

    def clean_tags(self) -> list[str]:
        return split(self.cleaned_data["tags"])

    def clean_target_url(self) -> str:
        return unless_faulty(self.cleaned_data["target_url"], target_fault)

    def clean_listen_path(self) -> str:
        return unless_faulty(self.cleaned_data["listen_path"], listen_path_fault)

    def clean(self) -> None:
        if self.errors:
            return
        number = len(self.cleaned_data["file"]) + bool(self.cleaned_data["text"].strip())
        if not number:
            self.add_error("file", "Choose a file, or paste a document below.")
        if number > 1 and self.cleaned_data["listen_path"]:
            self.add_error("listen_path", "Only one document can listen there: import this one alone.")

    def documents(self) -> Iterator[tuple[str, str, bytes | str]]:
        """Yield (field, file's name, content)."""
        for file in self.cleaned_data["file"]:
            yield "file", file.name or "file", file.read()
        if self.cleaned_data["text"].strip():
            yield "text", "", self.cleaned_data["text"]

    def forget_text(self) -> None:
        """Leave the box empty, so that what has been imported is not sent again."""
        retype(self, text="")
