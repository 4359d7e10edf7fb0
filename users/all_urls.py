"""The pages of users that every site has: at `/all/` they are about the unbounded ones."""

from django.urls import path

from users.views import account, invitations, passwords, people, signing_in

app_name = "users"
urlpatterns = [
    path("sign-in/", signing_in.sign_in, name="sign_in"),
    path("sign-out/", signing_in.sign_out, name="sign_out"),
    path("password-reset/", passwords.forgot_password, name="forgot_password"),
    path("password-reset/<id:id>/<slug:token>/", passwords.reset_password, name="reset_password"),
    path("invitation/<slug:token>/", invitations.accept, name="accept_invitation"),
    path("account/", account.account, name="account"),
    path("account/password/", account.change_password, name="change_password"),
    path("account/sign-out-everywhere/", account.sign_out_everywhere, name="sign_out_everywhere"),
    path("access-keys/create/", account.create_access_key, name="create_access_key"),
    path("access-keys/<id:id>/reset/", account.reset_access_key, name="reset_access_key"),
    path("access-keys/<id:id>/revoke/", account.revoke_access_key, name="revoke_access_key"),
    path("users/", people.index, name="list"),
    path("users/create/", people.create, name="create"),
    path("users/invite/", invitations.invite, name="invite"),
    path("users/invitations/<id:id>/revoke/", invitations.revoke, name="revoke_invitation"),
    path("users/<id:id>/", people.detail, name="detail"),
    path("users/<id:id>/edit/", people.edit, name="edit"),
    path("users/<id:id>/disable/", people.disable, name="disable"),
    path("users/<id:id>/enable/", people.enable, name="enable"),
    path("users/<id:id>/new-password/", people.new_password, name="new_password"),
    path("users/<id:id>/delete/", people.delete, name="delete"),
]
