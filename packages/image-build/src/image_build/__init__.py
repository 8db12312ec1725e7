"""How an image is planned, built, tested, tagged, pushed."""
