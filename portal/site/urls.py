from django.urls import path

from portal.site import account, applications, catalogue, joining, keys, pages

app_name = "portal"
urlpatterns = [
    path("", catalogue.index, name="home"),
    path("apis/<slug:slug>/", catalogue.entry, name="entry"),
    path("apis/<slug:slug>/console/", catalogue.console, name="console"),
    path("apis/<slug:slug>/openapi.json", catalogue.document, name="document"),
    path("apis/<slug:slug>/plans/<id:id>/", applications.ask, name="ask"),
    path("pages/<slug:slug>/", pages.page, name="page"),
    path("terms/", joining.terms, name="terms"),
    path("terms/accept/", joining.accept_terms, name="accept_terms"),
    path("sign-in/", joining.sign_in, name="sign_in"),
    path("tap", joining.tap, name="tap"),
    path("tap/", joining.tap, name="tap_with_slash"),
    path("sign-out/", joining.sign_out, name="sign_out"),
    path("sign-up/", joining.sign_up, name="sign_up"),
    path("join/<str:token>/", joining.join, name="join"),
    path("password-reset/", joining.forgot_password, name="forgot_password"),
    path("password-reset/<id:id>/<str:token>/", joining.reset_password, name="reset_password"),
    path("account/", account.account, name="account"),
    path("account/password/", account.password, name="password"),
    path("account/delete/", account.leave, name="leave"),
    path("applications/", applications.index, name="applications"),
    path("applications/create/", applications.create, name="create_application"),
    path("applications/<id:id>/", applications.detail, name="application"),
    path("applications/<id:id>/edit/", applications.edit, name="edit_application"),
    path("applications/<id:id>/delete/", applications.delete, name="delete_application"),
    path("requests/<id:id>/withdraw/", applications.withdraw, name="withdraw"),
    path("requests/<id:id>/key/", keys.take, name="take_key"),
    path("keys/<id:id>/", keys.detail, name="key"),
    path("keys/<id:id>/rotate/", keys.rotate, name="rotate_key"),
    path("keys/<id:id>/revoke/", keys.end, name="end_key"),
    path("theme.css", pages.theme, name="theme"),
    path("logo", pages.logo, name="logo"),
]
