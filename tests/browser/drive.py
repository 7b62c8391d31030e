"""Drives headless Chromium through the dashboard by the WebDriver protocol, without any package.

  drive.py URL TOKEN [PICTURES]

Exits 1 with a line for everything that is wrong.
"""

import base64
import json
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request
from html.parser import HTMLParser
from pathlib import Path

SITE, TOKEN = sys.argv[1].rstrip("/"), sys.argv[2]
PICTURES = Path(sys.argv[3]) if len(sys.argv) > 3 else None
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --hide-scrollbars --no-proxy-server"
).split()
TAB, ENTER = "\ue004", "\ue007"
faults: list[str] = []


def check(holds: bool, what: str) -> None:
    if not holds:
        faults.append(what)
        print(f"  WRONG {what}")


class Browser:
    """A session of chromedriver, which takes a free port."""

    def __init__(self) -> None:
        self.profile = tempfile.mkdtemp(prefix="itsm-chromium-")
        driver = next((path for name in ("chromedriver", "chromium-driver") if (path := shutil.which(name))), None)
        if not driver:
            sys.exit("chromedriver is not here: apt-get install -y chromium chromium-driver")
        self.driver = subprocess.Popen([driver, "--port=0"], stdout=subprocess.PIPE, text=True)
        for line in self.driver.stdout:
            if found := re.search(r"started successfully on port (\d+)", line):
                self.at = f"http://127.0.0.1:{found[1]}"
                break
        else:
            sys.exit("chromedriver did not start")
        options = {"args": [*FLAGS, f"--user-data-dir={self.profile}"]}
        if binary := next((path for name in ("chromium", "google-chrome") if (path := shutil.which(name))), None):
            options["binary"] = binary
        wanted = {"alwaysMatch": {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}}
        self.session = self.call("POST", "/session", {"capabilities": wanted}, root=True)["sessionId"]

    def call(self, method: str, path: str, body: dict | None = None, root: bool = False):
        url = self.at + (path if root else f"/session/{self.session}{path}")
        data = None if method in ("GET", "DELETE") else json.dumps(body or {}).encode()
        request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
        with OPENER.open(request, timeout=60) as answer:
            return json.load(answer)["value"]

    def close(self) -> None:
        try:
            self.call("DELETE", "")
        finally:
            self.driver.terminate()
            self.driver.wait()
            shutil.rmtree(self.profile, ignore_errors=True)

    def go(self, path: str, scripted: bool = True) -> None:
        self.call("POST", "/url", {"url": SITE + path})
        if not scripted:
            return
        # Drawn as well as loaded: what is typed before that goes nowhere.
        drawn = "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => done()));"
        self.call("POST", "/execute/async", {"script": drawn, "args": []})

    def run(self, script: str, *args):
        return self.call("POST", "/execute/sync", {"script": script, "args": list(args)})

    def cdp(self, command: str, **parameters):
        return self.call("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def path(self) -> str:
        return self.call("GET", "/url").removeprefix(SITE)

    def type(self, keys: str) -> None:
        actions = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self.call("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def look(self, width: int, scheme: str) -> None:
        height = 900 if width > 500 else 760
        self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500)
        self.cdp("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def complaints(self) -> list[str]:
        log = self.call("POST", "/se/log", {"type": "browser"})
        return [entry["message"] for entry in log if entry["level"] in ("SEVERE", "WARNING")]

    def picture(self, name: str) -> None:
        if PICTURES:
            PICTURES.mkdir(parents=True, exist_ok=True)
            width, height = self.run("return [innerWidth, document.documentElement.scrollHeight]")
            clip = {"x": 0, "y": 0, "width": width, "height": min(height, 2400), "scale": 1}
            shot = self.cdp("Page.captureScreenshot", captureBeyondViewport=True, clip=clip, format="png")["data"]
            (PICTURES / f"{name}.png").write_bytes(base64.b64decode(shot))


OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def fetch(path: str) -> str:
    request = urllib.request.Request(SITE + path, headers={"Cookie": f"itsm_token={TOKEN}"})
    with OPENER.open(request, timeout=60) as answer:
        return answer.read().decode()


class Page(HTMLParser):
    """The title and the numbers of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.heading, self.counts, self.links = "", [], []
        self._in, self._href = None, ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "h1":
            self._in = "h1"
        elif tag == "a":
            self.links.append(attrs.get("href") or "")
            if "count" in (attrs.get("class") or "").split():
                self._in, self._href = "count", attrs["href"]

    def handle_endtag(self, tag):
        if tag in ("h1", "a"):
            self._in = None

    def handle_data(self, data):
        if self._in == "h1":
            self.heading += data
        elif self._in == "count":
            self.counts.append((int(data.replace(",", "")), self._href))


# What holds on every page; answers what does not.
HOUSE = r"""
const wrong = [];
const one = (selector, what) => { if (document.querySelectorAll(selector).length !== 1) wrong.push(what); };
one("main", "one main landmark"); one("h1", "one h1");
if (document.documentElement.lang !== "en") wrong.push("a language");
if (!document.querySelector('nav[aria-label]')) wrong.push("a navigation with a name");
if (document.documentElement.scrollWidth > window.innerWidth)
  wrong.push(`no sideways scroll, but ${document.documentElement.scrollWidth} px in ${window.innerWidth}`);
for (const th of document.querySelectorAll("th:not([aria-hidden])")) if (!th.scope) wrong.push(`a scope for the heading "${th.textContent}"`);
for (const box of document.querySelectorAll("input:not([type=hidden])"))
  if (!box.labels.length && !box.ariaLabel) wrong.push(`a label for ${box.name}`);
for (const section of document.querySelectorAll("[aria-labelledby],[aria-describedby]"))
  for (const id of (section.getAttribute("aria-labelledby") || section.getAttribute("aria-describedby")).split(" "))
    if (!document.getElementById(id)) wrong.push(`an element ${id}`);
const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) wrong.push(`one element ${id}`);
let level = 0;
for (const heading of document.querySelectorAll("h1,h2,h3,h4")) {
  const here = Number(heading.tagName[1]);
  if (here > level + 1) wrong.push(`no level left out before "${heading.textContent}"`);
  level = here;
}
for (const e of document.querySelectorAll("[src],link[href],[style]")) {
  const from = e.getAttribute("src") || e.getAttribute("href") || "";
  if (/^(https?:)?\/\//.test(from)) wrong.push(`nothing from outside, but ${from}`);
  if (e.hasAttribute("style")) wrong.push("no style in attributes");
}
const parse = (colour) => (colour.match(/[\d.]+/g) || [0, 0, 0, 0]).map(Number);
const luminance = ([r, g, b]) => [r, g, b].map((v) => v / 255)
  .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
  .reduce((sum, v, at) => sum + v * [0.2126, 0.7152, 0.0722][at], 0);
const ground = (e) => {
  for (; e; e = e.parentElement) {
    const colour = parse(getComputedStyle(e).backgroundColor);
    if (colour.length < 4 || colour[3] > 0) return colour;
  }
  return [255, 255, 255];
};
const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
const seen = new Set();
while (texts.nextNode()) {
  const e = texts.currentNode.parentElement;
  if (!texts.currentNode.textContent.trim() || !e.checkVisibility() || e.closest("svg,script,style")) continue;
  const [a, b] = [luminance(parse(getComputedStyle(e).color)), luminance(ground(e))];
  const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  const told = `${e.tagName.toLowerCase()}.${e.className} ${contrast.toFixed(2)}`;
  if (contrast < 4.5 && !seen.has(told)) { seen.add(told); wrong.push(`contrast of 4.5, but ${told}`); }
}
return wrong;
"""

# The element that has the focus: what it is, whether it shows it, and whether it is on the screen.
FOCUS = r"""
const e = document.activeElement, box = e.getBoundingClientRect(), style = getComputedStyle(e);
return {
  at: [...document.querySelectorAll("*")].indexOf(e), tag: e.tagName, text: (e.textContent || e.name || "").trim().slice(0, 40),
  href: e.getAttribute("href"), filter: e.hasAttribute("data-filter"),
  shown: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
  inside: box.width > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
};
"""


def sign_in(browser: Browser) -> None:
    browser.go("/tickets?filter=priority%20%3D%201")
    check(browser.path().startswith("/sign-in"), "nobody gets in without a token")
    check(browser.run("return document.activeElement.name") == "token", "the token box has the focus")
    browser.type("not-a-token" + ENTER)
    alert = browser.run("return document.querySelector('[role=alert]')?.textContent || ''")
    check("do not accept" in alert, f"a wrong token is refused with a sentence, not {alert!r}")
    # Chromium logs the 401 itself; what follows is to be quiet.
    browser.complaints()
    browser.type(TOKEN + ENTER)
    check(browser.path() == "/tickets?filter=priority%20%3D%201", f"signing in leads back, not to {browser.path()}")
    cookie = browser.call("GET", "/cookie/itsm_token")
    check(cookie["httpOnly"] and cookie.get("sameSite") == "Strict", "the token is kept from scripts and other sites")


def pages() -> list[tuple[str, str]]:
    """Every kind of page, with a name for its picture."""

    def first(path: str, under: str) -> str:
        found = [link for link in Page(fetch(path)).links if re.fullmatch(rf"/{under}/[^/?#]+", link)]
        check(bool(found), f"{path} lists {under}")
        return found[0] if found else path

    busy = max(Page(fetch("/services")).counts, default=(0, ""))[1]
    service = re.search(r'service = "(services/[^"]+)"', urllib.parse.unquote_plus(busy))
    late = "/tickets?" + urllib.parse.urlencode({"filter": 'clock_state = BREACHED AND assignment.group:*'})
    noted = next((link for link in Page(fetch("/")).links if link.startswith("/contracts/")), first("/contracts", "contracts"))
    return [
        ("home", "/"),
        ("tickets", "/tickets?order_by=priority%2C+open_time"),
        ("tickets-wrong", "/tickets?filter=priority+%3D+1+AND+colour+%3D+red"),
        ("ticket", first(late, "tickets")),
        ("services", "/services"),
        ("service", f"/{service[1]}" if service else first("/services", "services")),
        ("customers", "/customers"),
        ("customer", first("/customers", "customers")),
        ("agreements", "/agreements"),
        ("agreement", first("/agreements", "agreements")),
        ("suppliers", "/suppliers"),
        ("supplier", first("/contracts?order_by=notice_deadline_date+desc", "suppliers")),
        ("contracts", "/contracts"),
        ("contract", noted),
        ("reports", "/reports"),
        ("numbers", "/reports/2016-spring"),
        ("missing", "/tickets/INC-999999"),
    ]


def walk(browser: Browser, shown: list[tuple[str, str]]) -> None:
    for width in (1280, 360):
        for scheme in ("light", "dark"):
            browser.look(width, scheme)
            for name, path in shown:
                browser.go(path)
                for wrong in browser.run(HOUSE):
                    check(False, f"{path} at {width} px, {scheme}: expected {wrong}")
                dark = browser.run("return getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
                check(dark == (scheme == "dark"), f"{path} is {scheme}")
                complaints = [text for text in browser.complaints() if not (name == "missing" and "404" in text)]
                check(not complaints, f"{path}: the console is quiet, not {complaints}")
                browser.picture(f"{name}-{width}-{scheme}")
    print(f"  {len(shown)} pages, wide and narrow, light and dark")


def keyboard(browser: Browser, shown: list[tuple[str, str]]) -> None:
    browser.look(1280, "light")
    stops = 0
    for _, path in shown:
        browser.go(path)
        browser.type(TAB)
        focus = browser.run(FOCUS)
        check(focus["href"] == "#content", f"{path}: the first stop is the skip link, not {focus}")
        last = focus["at"]
        for _ in range(40):
            browser.type(TAB)
            focus = browser.run(FOCUS)
            if focus["tag"] == "BODY" or focus["at"] < last:
                break
            check(focus["shown"], f"{path}: focus can be seen on {focus}")
            check(focus["inside"], f"{path}: what has the focus is on the screen: {focus}")
            check(focus["at"] > last, f"{path}: focus moves in reading order at {focus}")
            last = focus["at"]
            stops += 1
        if browser.run("return !!document.querySelector('[data-filter]')"):
            browser.go(path)
            browser.type("/")
            check(browser.run(FOCUS)["filter"], f"{path}: / leads to the filter box")
    print(f"  {stops} stops of the keyboard")

    browser.go("/")
    browser.type(TAB + ENTER)
    browser.type(TAB)
    check(browser.run("return document.activeElement.closest('main') !== null"), "the skip link leads into the content")
    browser.go("/")
    browser.type("/inc-000001" + ENTER)
    check(browser.path() == "/tickets/INC-000001", f"a number leads to its ticket, not to {browser.path()}")
    browser.go("/tickets")
    browser.type("/priority = 1 AND" + ENTER)
    alert = browser.run("return document.querySelector('[role=alert]')?.textContent || ''")
    check("column" in alert, f"a filter that cannot be read names the column: {alert!r}")
    check(browser.run("return document.querySelector('[data-filter]').ariaInvalid") == "true", "the box is marked")
    browser.go("/tickets?filter=priority+%3D+1")
    browser.run("document.querySelector('th a[href*=open_time]').focus()")
    browser.type(ENTER)
    sort = browser.run("return document.querySelector('th[aria-sort]')?.ariaSort || ''")
    check(sort == "ascending", f"a column that is sorted says so: {sort!r}")


def drill(shown: list[tuple[str, str]]) -> None:
    behind: dict[str, str] = {}
    numbers = 0
    for _, path in [page for page in shown if page[0] not in ("tickets", "tickets-wrong", "missing")]:
        for count, address in Page(fetch(path)).counts:
            heading = behind.setdefault(address, Page(fetch(address)).heading) if address not in behind else behind[address]
            told = int(heading.split(" ")[0].replace(",", "")) if heading[:1].isdigit() else 0
            check(told == count, f"{path} says {count}, the list behind it {heading!r}: {urllib.parse.unquote_plus(address)}")
            numbers += 1
    check(numbers > 20, f"there are numbers to drill into, not {numbers}")
    print(f"  {numbers} numbers agree with the {len(behind)} lists behind them")


def without_script(browser: Browser) -> None:
    browser.cdp("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.go("/", scripted=False)
        box = browser.call("POST", "/element", {"using": "css selector", "value": "[data-filter]"})
        element = next(iter(box.values()))
        browser.call("POST", f"/element/{element}/value", {"text": "priority = 2" + ENTER})
        check(browser.path() == "/tickets?filter=priority+%3D+2", f"forms work without a script, not {browser.path()}")
    finally:
        browser.cdp("Emulation.setScriptExecutionDisabled", value=False)


def sign_out(browser: Browser) -> None:
    browser.look(1280, "light")
    browser.go("/")
    button = browser.call("POST", "/element", {"using": "css selector", "value": "form[action='/sign-out'] button"})
    browser.call("POST", f"/element/{next(iter(button.values()))}/click")
    browser.go("/")
    check(browser.path().startswith("/sign-in"), "signing out ends it")


def main() -> None:
    browser = Browser()
    try:
        sign_in(browser)
        shown = pages()
        walk(browser, shown)
        keyboard(browser, shown)
        drill(shown)
        without_script(browser)
        sign_out(browser)
    finally:
        browser.close()
    if faults:
        sys.exit(f"{len(faults)} things are wrong")
    print("the dashboard holds in a browser")


main()
