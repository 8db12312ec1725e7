# Listens on all addresses of the container: the start command itself names none.
c = get_config()  # noqa: F821
c.ServerApp.ip = ""
c.ServerApp.open_browser = False
