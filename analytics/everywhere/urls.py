"""Analytics of every organisation, below `/all/analytics/`."""

from django.urls import path

from analytics.everywhere import views

app_name = "all_analytics"
urlpatterns = [
    path("", views.index, name="overview"),
    path("dead-letters/", views.dead_letters, name="dead_letters"),
]
