"""`meridian github`: what the workflows of GitHub Actions run. Outside of one nothing is published, and the rest is the same."""
