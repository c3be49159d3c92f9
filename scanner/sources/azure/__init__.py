"""A live tenant or an export of one, through Resource Graph and its neighbours."""
