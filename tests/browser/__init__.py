"""The page in a browser, as its reader has it: Chromium of the distribution, without a network."""
