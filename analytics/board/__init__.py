"""The board of keys that need attention: which those are, by the organisation's keys, requests and quotas."""
