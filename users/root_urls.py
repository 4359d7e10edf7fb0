from django.urls import path

from users.views import at_root

app_name = "users"
urlpatterns = [
    path("", at_root.sign_in, name="sign_in"),
    path("choose/", at_root.choose, name="choose"),
    path("tap", at_root.tap, name="tap"),
    path("tap/", at_root.tap, name="tap_with_slash"),
    path("o/<slug:slug>", at_root.add_slash, name="organisation"),
    path("all", at_root.add_slash, name="all"),
]
