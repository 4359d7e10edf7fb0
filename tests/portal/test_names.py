import pytest
from django import forms

from portal.managing.forms import EmailsField, ListField
from portal.names import distinct, slug_fault, slug_of


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Card payments", "card-payments"),
        ("  a__b _c_ ", "a-b-c"),
        ("Übergrößen & Co.", "ubergroen-co"),
        ("123 456 789", "123-456"),
        ("日本", ""),
    ],
)
def test_what_a_title_makes_of_an_address_can_be_one(title: str, slug: str) -> None:
    made = slug_of(title, 8 if slug == "123-456" else 80)
    assert made == slug
    assert not made or not slug_fault(made)


@pytest.mark.parametrize("slug", ["", "A", "a--b", "-a", "a-", "a_b", "ä", "a/b"])
def test_what_cannot_be_the_end_of_an_address_is_told(slug: str) -> None:
    assert slug_fault(slug).startswith("Address: ")


def test_names_are_each_there_once_in_their_order() -> None:
    assert distinct([" b", "a", "", "b ", " "]) == ["b", "a"]


def test_names_are_typed_in_one_line_or_each_in_its_own() -> None:
    assert ListField().clean("partners, beta\nbeta,, gold ") == ["partners", "beta", "gold"]


@pytest.mark.parametrize(
    ("field", "text"), [(ListField(), "a" * 61), (EmailsField(longest=254), f"{'a' * 250}@acme.example")]
)
def test_a_name_longer_than_can_be_stored_is_refused(field: ListField, text: str) -> None:
    with pytest.raises(forms.ValidationError, match="has more than"):
        field.clean(f"fine@acme.example, {text}")
