"""A browser for the tests of the HTML report: one process for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reports import html
from reports.report import Report
from tests.reports.browser import Browser, Page


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with Browser() as running:
        yield running


@pytest.fixture
def show(browser: Browser, tmp_path: Path) -> Iterator[Callable[..., Page]]:
    """Render a report and open it; the medium is set as :meth:`Page.media` takes it."""
    pages: list[Page] = []

    def open_report(report: Report, **media: Any) -> Page:
        file = tmp_path / f"report-{len(pages)}.html"
        file.write_bytes(html.render(report))
        pages.append(browser.open(file, **({"dark": False} | media)))
        return pages[-1]

    yield open_report
    for page in pages:
        page.close()
