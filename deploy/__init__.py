"""How margingate is run and watched."""
