"""The page of a fleet: what a scan's rows say of all its models at once, as one file that opens in a browser.

Door: fleet_contents, fleet_page.
"""
