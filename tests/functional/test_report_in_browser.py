# Copyright 2026 the fuel-plugin-infiniband authors
# SPDX-License-Identifier: Apache-2.0
"""The page of ``fuel-infiniband report`` in a real browser: headless Chromium, through its WebDriver on loopback.

Covered: on a phone nothing is wider than the screen and no text leaves its box; light and dark are told apart and
readable; the page asks for nothing but itself.
"""
import contextlib
import json
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

from tests.unit.test_environment import all_full, roles, status
from tools.packages import TOP

PHONE, DESK = (360, 740), (1280, 900)
# Contrast of text of this size that WCAG 2.1 asks for (1.4.3).
CONTRAST = 4.5


class Browser:
    """A session of a chromedriver."""

    def __init__(self, port):
        self._base = f'http://127.0.0.1:{port}'
        options = {'args': ['--headless', '--no-sandbox', '--disable-gpu', '--hide-scrollbars']}
        asked = {'capabilities': {'alwaysMatch': {'browserName': 'chrome', 'goog:chromeOptions': options}}}
        self._session = self.ask('/session', asked)['sessionId']

    def ask(self, path, body):
        data = json.dumps(body).encode()
        request = urllib.request.Request(self._base + path, data, {'Content-Type': 'application/json'})
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as reply:
            return json.load(reply)['value']

    def open(self, path, size, scheme):
        """Show a file on a screen of this size."""
        self._tool('Emulation.setDeviceMetricsOverride', width=size[0], height=size[1], deviceScaleFactor=1,
                   mobile=size == PHONE)
        self._tool('Emulation.setEmulatedMedia', features=[{'name': 'prefers-color-scheme', 'value': scheme}])
        self.ask(f'/session/{self._session}/url', {'url': f'file://{path}'})

    def run(self, script):
        return self.ask(f'/session/{self._session}/execute/sync', {'script': script, 'args': []})

    def _tool(self, command, **parameters):
        self.ask(f'/session/{self._session}/goog/cdp/execute', {'cmd': command, 'params': parameters})


@pytest.fixture(scope='module')
def browser():
    driver = shutil.which('chromedriver')
    if driver is None:
        pytest.skip('there is no chromedriver here: ./dev installs chromium-driver on Debian')
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([driver, f'--port={port}'], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(urllib.error.URLError, ConnectionError):
                made = Browser(port)
                break
            assert process.poll() is None and time.monotonic() < deadline, 'chromedriver does not answer'
            time.sleep(0.1)
        yield made
        made.ask('/shutdown', {})  # its browser ends with it
    finally:
        process.terminate()
        process.wait(timeout=20)


@pytest.fixture(scope='module')
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp('report')
    long_name = 'node-with-a-name-that-is-longer-than-the-screen-of-a-phone-is-wide.example.org'
    nodes = {'node-1': status(all_full()), 'node-2': status({101: 'limited', 103: 'full'}), long_name: None,
             'node-4': status(all_full(), state='DOWN')}
    (folder / 'environment.json').write_text(json.dumps({'format': 1, 'nodes': {
        name: {'roles': roles(), 'status': told} for name, told in nodes.items()}}))
    subprocess.run([sys.executable, '-m', 'plugin_lib', 'report', '--environment', folder / 'environment.json',
                    '-o', folder / 'report.html'], cwd=TOP, check=True, stdout=subprocess.DEVNULL)
    return folder / 'report.html'


@pytest.mark.parametrize('size', [PHONE, DESK])
def test_nothing_is_wider_than_the_screen(browser, page, size):
    browser.open(page, size, 'light')
    assert browser.run('return document.documentElement.scrollWidth') <= size[0]
    assert browser.run('return document.querySelectorAll("svg").length') == 4
    assert browser.run('return document.querySelector("h2").textContent') == 'Problems'


@pytest.mark.parametrize('size', [PHONE, DESK])
def test_no_text_of_the_map_leaves_its_box(browser, page, size):
    browser.open(page, size, 'light')
    outside = browser.run('''
        const boxes = [...document.querySelectorAll('rect')].map(box => box.getBoundingClientRect());
        return [...document.querySelectorAll('svg text')].filter(text => {
            const own = text.getBoundingClientRect();
            return !boxes.some(box => box.left <= own.left && own.right <= box.right && box.top <= own.top + 2 &&
                                      own.bottom <= box.bottom + 2);
        }).map(text => text.textContent)''')
    assert outside == []
    # On a phone the drawing's letters are nearly as large as elsewhere.
    assert browser.run('''return document.querySelector('svg').getBoundingClientRect().width''') > 300


@pytest.mark.parametrize('scheme', ['light', 'dark'])
def test_both_colour_schemes_are_readable(browser, page, scheme):
    browser.open(page, PHONE, scheme)
    back, *fronts = browser.run('''
        const colour = (selector, what) => getComputedStyle(document.querySelector(selector))[what];
        return [colour('body', 'backgroundColor'), colour('body', 'color'), colour('.faint', 'color'),
                colour('.FAIL b', 'color'), colour('.WARN b', 'color'), colour('svg text', 'fill')]''')
    assert (luminance(back) > 0.5) == (scheme == 'light')
    for front in fronts:
        light, dark = sorted((luminance(front), luminance(back)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= CONTRAST, (front, back)


def luminance(colour):
    """Relative luminance of ``rgb(r, g, b)`` as WCAG 2.1 defines it."""
    parts = [int(part) / 255 for part in re.findall(r'\d+', colour)[:3]]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_the_page_asks_for_nothing(browser, page):
    browser.open(page, DESK, 'light')
    assert browser.run('return performance.getEntriesByType("resource").map(entry => entry.name)') == []
