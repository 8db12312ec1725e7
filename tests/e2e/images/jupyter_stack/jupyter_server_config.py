# Listen on all addresses of the container; the start command does not set an address.
c = get_config()  # noqa: F821
c.ServerApp.ip = ""
c.ServerApp.open_browser = False
