"""What the pages of analytics show: pure but for what they ask `analytics.queries`."""
