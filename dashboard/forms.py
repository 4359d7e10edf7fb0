from django.forms.renderers import TemplatesSetting


class Renderer(TemplatesSetting):
    """Forms in the look of the product: `templates/forms`."""

    form_template_name = "forms/form.html"
    field_template_name = "forms/field.html"
