"""Reading ``moved`` blocks."""

from __future__ import annotations

from scanner.sources.terraform.moved import MOST_MOVES, moves_in


def moves(text: str, name: str = "infra/main.tf") -> list[tuple[str, str]]:
    return moves_in([name], {name: text.encode()}.get)


def test_addresses_are_read_as_terraform_writes_them() -> None:
    text = """
moved {
  from = azurerm_key_vault.old
  to   = azurerm_key_vault.new
}
moved {
  from = azurerm_key_vault.one[0]
  to   = module.vaults["a\\"b"].azurerm_key_vault.this[ "x" ]
}
moved {
  from = module.a
  to   = module.b
}
"""
    assert moves(text) == [
        ("azurerm_key_vault.old", "azurerm_key_vault.new"),
        ("azurerm_key_vault.one[0]", 'module.vaults["a\\"b"].azurerm_key_vault.this["x"]'),
        ("module.a", "module.b"),
    ]


def test_the_json_form_is_read() -> None:
    text = '{"moved": [{"from": "a.b", "to": "module.m.a.b"}]}'
    assert moves(text, "main.tf.json") == [("a.b", "module.m.a.b")]


def test_what_is_not_whole_says_nothing() -> None:
    text = """
moved {
  from = a.b
}
moved {
  from = a[*].b
  to   = upper("x")
}
moved {
  from = a.c
  to   = a.d
"""
    assert moves(text) == [("a.c", "a.d")]
    assert moves("moved {\n from = var.x ? a.b : a.c\n to = a.d\n}\n") == []
    assert moves('{"moved": 3}', "main.tf.json") == []


def test_only_configurations_are_looked_at() -> None:
    text = "moved {\n from = a.b\n to = a.c\n}\n"
    assert moves(text, "values.tfvars") == []
    assert moves(text, "main.bicep") == []
    assert moves_in(["gone.tf"], lambda uri: None) == []
    assert len(moves(text * (MOST_MOVES + 1))) == MOST_MOVES
