"""The console and a holder's page in headless Chromium: each page opened, read, held against the API, and operated.

python console.py URL ADMIN_TOKEN KEY HOSTILE_NAME LONG_NAME FOLDER. Where it prints `restart`, the gateway is started anew
at the same address, and a line is read when it is there. Screenshots of each page at both widths go into FOLDER.
"""
import csv
import http.server
import json
import os
import sys
import tempfile
import threading
import urllib.error
import urllib.parse
import urllib.request
from decimal import Decimal

import axe_core_python
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

url, token, key, hostile, long_name, folder = sys.argv[1:7]
PATIENCE = 60
WIDTHS = (1440, 390)
AXE = open(os.path.join(os.path.dirname(axe_core_python.__file__), "axe.min.js"), encoding="utf-8").read()
os.makedirs(folder, exist_ok=True)

options = Options()
options.binary_location = "/usr/bin/chromium"
for flag in ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync",
             "--disable-dev-shm-usage", "--hide-scrollbars", "--lang=en-US", "--window-size=1440,900"):
    options.add_argument(flag)
options.set_capability("goog:loggingPrefs", {"browser": "ALL"})


def api(path, method="GET", body=None, secret=token):
    """What the API says to a script that has the secret."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"authorization": f"Bearer {secret}", "content-type": "application/json"}
    request = urllib.request.Request(url + path, data, headers, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            text = answer.read()
            return answer.status, json.loads(text) if text else None
    except urllib.error.HTTPError as refused:
        return refused.code, json.loads(refused.read() or b"null")


def number(text):
    """A figure of a page without what groups its digits."""
    return "".join(c for c in text if c not in "\u2009 $\n").replace("\u2212", "-")


def same_money(shown, told):
    assert Decimal(number(shown)) == Decimal(told), f"{shown} on the page, {told} by the API"


class Page:
    def __init__(self, driver):
        self.driver = driver
        self.patience = WebDriverWait(driver, PATIENCE)

    def wait(self, holds, what=""):
        def quietly(_):
            try:
                return holds()
            except Exception as error:  # what is drawn anew meanwhile
                if "stale" in str(error).lower() or isinstance(error, (IndexError, AttributeError)):
                    return None
                raise
        return self.patience.until(quietly, what)

    def all(self, css, within=None):
        return (within or self.driver).find_elements(By.CSS_SELECTOR, css)

    def one(self, css, within=None):
        return self.wait(lambda: next(iter(self.all(css, within)), None), css)

    def text(self, css="body"):
        return self.one(css).text

    def shows(self, text, css="body"):
        self.wait(lambda: text in self.all(css)[0].text, f"{text} in {css}")

    def button(self, name, within="body"):
        def found():
            some = [b for b in self.all(f"{within} button, {within} a.button") if b.text.strip() == name and b.is_displayed()]
            return some[0] if some else None
        return self.wait(found, f"the button {name}")

    def press(self, name, within="body"):
        element = self.button(name, within)
        self.driver.execute_script("arguments[0].click()", element)

    def fill(self, name, value, within="body"):
        field = self.one(f'{within} [name="{name}"]')
        field.clear()
        field.send_keys(value)

    def open(self, path):
        self.driver.get(url + path)
        self.settled()

    def settled(self):
        self.wait(lambda: not self.all("[aria-busy=true]") and self.all("h1"), "the page is there")

    def sign_in(self, secret):
        self.fill("secret", secret)
        self.one('[name="secret"]').send_keys(Keys.ENTER)

    def look(self, name):
        """Pictures at both widths, nothing wider than the page, and what axe-core finds."""
        for width in WIDTHS:
            size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
            self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
            self.settled()
            wide = self.driver.execute_script("return document.documentElement.scrollWidth")
            assert wide <= width, f"{name} is {wide} pixels wide at {width}"
            height = self.driver.execute_script("return document.documentElement.scrollHeight")
            self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {**size, "height": min(height, 4000)})
            self.driver.save_screenshot(os.path.join(folder, f"{name}-{width}.png"))
            self.axe(f"{name} at {width}")
        self.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})

    def axe(self, where):
        if not self.driver.execute_script("return !!window.axe"):
            # Past the page's own policy, as a viewer's extension is.
            self.driver.execute_cdp_cmd("Runtime.evaluate", {"expression": AXE})
        found = self.driver.execute_async_script("const done = arguments[0]; axe.run().then(r => done(r.violations));")
        serious = [v for v in found if v["impact"] in ("serious", "critical")]
        told = [(v["id"], v["help"], [n["html"][:200] for n in v["nodes"][:4]]) for v in serious]
        assert not told, f"{where}: {json.dumps(told, indent=1)}"


def pages(page):
    """Each page opened, and its figures held against the API's."""
    page.open("/console")
    page.shows("Sign in")
    page.look("sign-in")
    page.sign_in("this is not the token at all")
    page.shows("this is not the admin token")
    assert page.one('[name="secret"]').get_attribute("value") == "this is not the token at all", "what was typed is there"
    page.sign_in(token)
    page.one(".side")
    kept = page.driver.execute_script("return JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
    assert token not in kept and "sluice-operator" not in kept, "no script can read what was signed in with"

    page.wait(lambda: page.all(".plot canvas") and page.all('[aria-label="Fullest limits"] .limit'))
    zone_day = page.driver.execute_script("return new Date().toISOString().slice(0, 10)")
    _, today = api(f"/admin/v1/usage?from={zone_day}")
    tiles = page.all('[aria-label="Today"] .value')
    same_money(tiles[0].text, today["data"][0]["cost"])
    assert number(tiles[1].text) == str(today["data"][0]["requests"])
    _, month = api(f"/admin/v1/usage?from={zone_day[:8]}01")
    same_money(page.all('[aria-label="This month"] .value')[0].text, month["data"][0]["cost"])
    troubled = page.text('[aria-label="Accounts that are not ready"]')
    for account in ("limited", "unauthorized", "quota", "failing", "switched-off"):
        assert account in troubled, f"{account} in {troubled}"
    assert "half-used" in page.text('[aria-label="Fullest limits"]')
    loaded = page.driver.execute_script(
        "return performance.getEntriesByType('resource').concat(performance.getEntriesByType('navigation'))"
        ".filter(e => !e.name.includes('/admin/') && !e.name.includes('/session')).reduce((s, e) => s + e.encodedBodySize, 0)")
    assert 0 < loaded <= 150 * 1024, f"{loaded} bytes"
    # As the last day of a long month compares, and days of a zone far from UTC, over a change of its clocks.
    compared = page.driver.execute_async_script("""
        const done = arguments[0];
        const files = document.querySelector('script[type=module]').src.replace(/[^/]*$/, '');
        import(files + 'format.js').then(({ monthBefore, daysBefore, day }) => {
            const [kiritimati, berlin] = ['Pacific/Kiritimati', 'Europe/Berlin'];
            done([monthBefore('UTC', new Date('2026-03-31T12:00:00Z')), monthBefore('UTC', new Date('2026-03-28T12:00:00Z')),
                  monthBefore('UTC', new Date('2026-08-31T12:00:00Z')), monthBefore('UTC', new Date('2024-03-29T12:00:00Z')), monthBefore(kiritimati, new Date('2026-03-30T12:00:00Z')),
                  monthBefore(berlin, new Date('2026-04-20T10:00:00Z')), daysBefore(berlin, 1, new Date('2026-03-29T10:00:00Z')).toISOString(),
                  day(kiritimati, 0, new Date('2026-03-30T12:00:00Z'))]);
        }).catch((error) => done(String(error)));""")
    assert compared == ["2026-03-01", "2026-02-28T12:00:00.000Z", "2026-07-31T12:00:00.000Z", "2024-02-29T12:00:00.000Z", "2026-03-01",
                        "2026-03-20T11:00:00.000Z", "2026-03-28T11:00:00.000Z", "2026-03-31"], compared
    page.look("overview")

    page.open("/console/usage?from=2020-01-01&group_by=key,model&bucket=day")
    _, whole = api("/admin/v1/usage?from=2020-01-01")
    page.one("tfoot")
    foot = page.all("tfoot td")
    same_money(foot[3].text, whole["data"][0]["cost"])
    assert number(foot[4].text) == str(whole["data"][0]["requests"])
    _, rows = api("/admin/v1/usage?from=2020-01-01&group_by=key,model&bucket=day")
    page.shows(f"{len(rows['data'])} rows")
    days = {row["bucket"] for row in rows["data"]}
    assert len(days) >= 8 and int(whole["data"][0]["requests"]) >= 10000
    shown = {number(cell.text) for cell in page.all("tbody td:nth-child(4)")}
    assert all(any(Decimal(one) == Decimal(row["cost"]) for one in shown) for row in rows["data"])
    page.look("usage")
    page.press("30 days")
    page.settled()
    for bucket in ("Whole", "Day", "Hour", "Month", "Whole", "Month"):
        page.press(bucket, '[aria-label="What is asked"]')
        page.settled()
        heading = "Key" if bucket == "Whole" else bucket
        page.wait(lambda: page.all('[aria-label="Usage"] th') and page.all('[aria-label="Usage"] th')[0].text == heading, bucket)

    page.open("/console/requests")
    page.wait(lambda: len(page.all("tbody tr")) == 50)
    page.look("requests")
    for name, path in (("accounts", "accounts"), ("keys", "keys"), ("groups", "groups"), ("prices", "prices"),
                       ("plugins", "plugins"), ("configuration", "configuration"), ("explain", "explain")):
        page.open(f"/console/{path}")
        page.one(".card")
        page.look(name)
    page.open("/console/prices?model=claude-opus-4-5")
    _, prices = api("/admin/v1/prices?model=claude-opus-4-5")
    page.shows("$" + prices["data"][0]["rates"][0]["price"])


def requests(page):
    """Through the list, into a request, and from a refusal to its reason."""
    page.open("/console/requests")
    page.wait(lambda: len(page.all("tbody tr")) == 50)
    first = page.all("tbody a")[0].get_attribute("href")
    page.press("Older")
    page.wait(lambda: page.all("tbody a")[0].get_attribute("href") != first)
    page.press("Newer")
    page.wait(lambda: page.all("tbody a")[0].get_attribute("href") == first)

    page.open("/console/requests?key=alpha&status=200")
    page.one("tbody a").click()
    page.shows("Priced lines")
    page.settled()
    number_of = page.driver.current_url.rsplit("/", 1)[1]
    _, told = api(f"/admin/v1/requests/{number_of}")
    amounts = [cell.text for cell in page.all('[aria-label="Priced lines"] tbody td:last-child')]
    assert len(amounts) == len(told["lines"]) > 0
    for shown, line in zip(amounts, told["lines"]):
        same_money(shown, line["amount"])
    for part in (told["request_id"], "serving", told["price"]["list"], told["model"]):
        assert part in page.text("main"), part
    page.look("request")

    page.open("/console/requests?show=refused&key=half-used")
    page.wait(lambda: page.all("tbody tr"))
    page.open("/console/requests?status=503&key=half-used")
    page.one("tbody td:last-child a").click()
    page.one("[data-allowed]")
    page.shows("It would be refused")
    _, reason = api("/admin/v1/explain", "POST", {"key": "half-used", "api": "anthropic", "model": "limited-1"})
    assert len(page.all(".steps li")) == len(reason["steps"]) and reason["allowed"] is False
    page.look("explained")


def accounts(page):
    """Disable, enable, recover and test an account."""
    page.open("/console/accounts?find=serving")
    page.press("Disable", "tbody")
    page.wait(lambda: api("/admin/v1/accounts/serving")[1]["enabled"] is False)
    page.press("Enable", "tbody")
    page.wait(lambda: api("/admin/v1/accounts/serving")[1]["enabled"] is True)
    page.open("/console/accounts?find=unauthorized")
    page.press("Recover", "tbody")
    page.wait(lambda: api("/admin/v1/accounts/unauthorized")[1]["state"] == "ready")
    page.one("tbody button.link").click()
    page.one("dialog")
    page.press("Test", "dialog")
    page.shows("names no model", "dialog .problem")
    page.fill("model", "claude-haiku-4-5", "dialog")
    page.press("Test", "dialog")
    page.one("[data-tested]")
    assert "It does not" in page.text("[data-tested]") and "401" in page.text("[data-tested]")
    page.fill("weight", "7", "dialog")
    page.one("form[data-typed]")
    page.press("Change", "dialog")
    page.wait(lambda: api("/admin/v1/accounts/unauthorized")[1]["weight"] == 7)
    page.wait(lambda: not page.all("form[data-typed]"), "it is sent")
    page.look("account")


def keys(page):
    """A key is made, limited, used, changed, rotated and revoked."""
    page.open("/console/keys")
    page.press("New key")
    page.fill("name", "alpha", "dialog")
    page.press("Make the key", "dialog")
    page.one("dialog .problem")
    assert page.one('dialog [name="name"]').get_attribute("value") == "alpha"
    # A gateway of another build takes nothing away that it has refused, and neither does a key pressed by mistake.
    page.driver.execute_script(
        "window.own = document.querySelector('meta[name=build]').content; document.querySelector('meta[name=build]').content = 'older';"
        "document.dispatchEvent(new Event('visibilitychange'))")
    page.wait(lambda: "newer page" in page.one(".notice").get_attribute("textContent"))
    for _ in range(3):
        page.driver.switch_to.active_element.send_keys(Keys.ESCAPE)
        page.shows("not sent yet", "dialog [data-asks]")
        assert page.one('dialog[open] [name="name"]').get_attribute("value") == "alpha"
    page.press("Stay here", "dialog")
    page.fill("name", "made-here", "dialog")
    page.press("Add a limit", "dialog")
    page.one('[aria-label="Amount of limit 1"]').send_keys("2")
    Select(page.one('[aria-label="Unit of limit 1"]')).select_by_value("requests")
    page.look("new-key")
    page.press("Make the key", "dialog")
    page.shows("sk-sluice-", "[data-secret]")
    secret = page.text("[data-secret]")
    page.driver.execute_script("document.dispatchEvent(new Event('visibilitychange'))")
    page.driver.execute_async_script(
        "const [done] = arguments; fetch('/console/build').then(() => setTimeout(done, 0));")
    for _ in range(3):
        page.driver.switch_to.active_element.send_keys(Keys.ESCAPE)
        page.shows("shown this once", "dialog [data-asks]")
    page.driver.execute_script("arguments[0].click()", page.one('dialog [aria-label="Close"]'))
    page.press("Stay here", "dialog")
    assert page.text("[data-secret]") == secret
    page.driver.execute_script("document.querySelector('meta[name=build]').content = window.own")
    page.look("secret")
    message = {"model": "claude-haiku-4-5", "max_tokens": 9}
    assert api("/v1/messages", "POST", message, secret)[0] == 200
    page.press("I have it")
    assert secret not in page.driver.page_source, "it is shown once"
    _, all_keys = api("/admin/v1/keys")
    made = next(one for one in all_keys["data"] if one["name"] == "made-here")
    assert made["limits"] == [{"per": "day", "requests": 2}], made
    page.open("/console/keys?find=made-here")
    page.one("tbody button.link").click()
    page.shows("1 left", "dialog")
    page.look("key")
    page.press("Change", "dialog")
    page.fill("user", "somebody", "dialog")
    page.fill("concurrency", "2", "dialog")
    page.fill("queue_size", "5", "dialog")
    page.fill("queue_wait", "20s", "dialog")
    page.press("Change", "dialog")
    page.wait(lambda: api(f"/admin/v1/keys/{made['id']}")[1]["user"] == "somebody")
    changed = api(f"/admin/v1/keys/{made['id']}")[1]
    assert (changed["queue"]["size"], changed["queue"]["wait"]) == (5, "20s"), changed
    page.press("Rotate", "dialog")
    page.press("Rotate", "dialog")
    page.shows("sk-sluice-", "[data-secret]")
    fresh = page.text("[data-secret]")
    assert api("/v1/me", secret=secret)[0] == 401 and api("/v1/me", secret=fresh)[0] == 200
    page.press("I have it")
    page.open("/console/keys?find=made-here")
    page.one("tbody button.link").click()
    page.press("Revoke", "dialog")
    page.press("Revoke", "dialog")
    page.wait(lambda: api("/v1/me", secret=fresh)[0] == 401)
    page.open("/console/keys?find=alpha")
    page.one("tbody button.link").click()
    page.one("[data-file]")
    assert not [b for b in page.all("dialog button") if b.text in ("Change", "Rotate", "Revoke")]


def groups_and_configuration(page):
    page.open("/console/groups")
    page.press("New group")
    page.fill("name", "made-group", "dialog")
    page.press("Make the group", "dialog")
    page.shows("made-group", "main")
    assert api("/admin/v1/groups/made-group")[0] == 200
    page.one("tbody button.link").click()
    page.open("/console/configuration")
    page.shows("retention_days")
    assert token not in page.driver.page_source and key not in page.driver.page_source
    page.press("Reload")
    page.shows("Reloaded")


def names(page):
    """Whatever names hold is text."""
    page.open("/console/usage?from=2020-01-01&group_by=key,model&bucket=month")
    page.wait(lambda: any(hostile in cell.get_attribute("textContent") for cell in page.all("tbody td")))
    page.open("/console/keys")
    for name in (hostile, long_name):
        page.wait(lambda: any(cell.get_attribute("textContent") == name for cell in page.all("tbody td bdi")), name[:20])
    page.open("/console/explain?" + urllib.parse.urlencode({"key": hostile, "api": "anthropic", "model": "<b>bold</b>\"model'", "run": "1"}))
    page.one("[data-allowed]")
    assert not page.all("main img, main b b, td b"), "nothing of a name became an element"
    assert page.driver.execute_script("return document.querySelectorAll('main [onerror]').length") == 0


def shared(page):
    """A link to what is seen shows the same to another viewer."""
    page.open("/console/usage?from=2020-01-01&group_by=model&bucket=month")
    page.one("tfoot")
    page.press("account")
    page.wait(lambda: "account" in page.driver.current_url)
    page.settled()
    link, seen = page.driver.current_url, page.text('[aria-label="Rows"]')
    page.driver.switch_to.new_window("tab")
    page.driver.get(link)
    page.wait(lambda: page.all("tfoot") and page.text('[aria-label="Rows"]') == seen)
    page.driver.close()
    page.driver.switch_to.window(page.driver.window_handles[0])
    with tempfile.TemporaryDirectory() as saved:
        page.driver.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": saved})
        page.press("Save as CSV")
        path = os.path.join(saved, "usage.csv")
        page.wait(lambda: os.path.exists(path) and os.path.getsize(path) > 0, "the file is there")
        with open(path, encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    _, told = api("/admin/v1/usage?from=2020-01-01&group_by=model,account&bucket=month")
    key_of = lambda row: (row["bucket"], row["model"], row["account"] or "")
    assert sorted((key_of(row), row["cost"]) for row in rows) == sorted((key_of(row), row["cost"]) for row in told["data"])


def keyboard(page):
    """The first stop leads past the menu; a slash goes to what is looked for; Escape closes a dialog."""
    page.open("/console/keys")
    page.one("tbody")
    body = page.one("body")
    body.send_keys(Keys.TAB)
    active = page.driver.switch_to.active_element
    assert active.text == "To the content", active.text
    active.send_keys(Keys.ENTER)
    assert page.driver.switch_to.active_element.tag_name == "h1"
    page.one("h1").send_keys("/")
    assert page.driver.switch_to.active_element.get_attribute("type") == "search"
    page.button("New key").send_keys(Keys.ENTER)
    page.one("dialog[open]")
    page.driver.switch_to.active_element.send_keys(Keys.ESCAPE)
    page.wait(lambda: not page.all("dialog[open]"))
    assert page.driver.switch_to.active_element.text == "New key"
    page.driver.execute_script("arguments[0].click()", next(b for b in page.all(".side button") if b.text.startswith("Theme")))
    page.driver.execute_script("arguments[0].click()", next(b for b in page.all(".side button") if b.text.startswith("Theme")))
    assert page.driver.execute_script("return document.documentElement.dataset.theme") == "dark"
    page.open("/console")
    page.wait(lambda: page.all(".plot canvas"))
    page.look("overview-dark")
    page.driver.execute_script("localStorage.clear()")


def elsewhere(page):
    """A page of another origin on this machine, to which a browser sends our cookies, reads and changes nothing."""
    class Other(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(b"<title>another origin</title>")

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Other)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    before = api("/admin/v1/keys")[1]["data"]
    page.driver.get(f"http://127.0.0.1:{server.server_port}/")
    tried = page.driver.execute_async_script("""
        const [url, done] = arguments;
        const attempt = async (path, options) => {
            try { const a = await fetch(url + path, { credentials: 'include', ...options }); return a.type + ' ' + (await a.text()); }
            catch (error) { return 'failed'; }
        };
        (async () => done(await Promise.all([
            attempt('/admin/v1/keys', {}),
            attempt('/admin/v1/keys', { headers: { 'x-sluice-console': '1' } }),
            attempt('/admin/v1/keys', { method: 'POST', mode: 'no-cors', body: '{"name":"forged"}' }),
            attempt('/admin/v1/keys', { method: 'POST', headers: { 'x-sluice-console': '1', 'content-type': 'application/json' }, body: '{"name":"forged"}' }),
            attempt('/session/operator', { method: 'DELETE', headers: { 'x-sluice-console': '1' } }),
        ])))();""", url)
    assert tried == ["failed", "failed", "opaque ", "failed", "failed"], tried
    assert [one["id"] for one in api("/admin/v1/keys")[1]["data"]] == [one["id"] for one in before]
    framed = page.driver.execute_async_script("""
        const [url, done] = arguments;
        const frame = document.createElement('iframe');
        frame.onload = () => { let inside = null; try { inside = frame.contentDocument; } catch {} done(inside === null); };
        frame.src = url + '/console'; document.body.append(frame);""", url)
    assert framed, "nothing of it is read in a frame"
    server.shutdown()
    page.open("/console")
    page.one(".side")


def ended(page):
    """A session that ends leads back to the form, and what was typed stays; a stale tab comes back by itself."""
    page.open("/console/keys")
    page.press("New key")
    page.fill("name", "half typed", "dialog")
    print("restart", flush=True)
    assert sys.stdin.readline() == "restarted\n"
    page.press("Make the key", "dialog")
    page.shows("Sign in again")
    page.look("signed-out")
    page.fill("secret", token, "dialog[aria-labelledby=again]")
    page.one("dialog[aria-labelledby=again] [name=secret]").send_keys(Keys.ENTER)
    page.wait(lambda: not page.all("dialog[aria-labelledby=again]"))
    assert page.one('dialog [name="name"]').get_attribute("value") == "half typed"
    page.press("Make the key", "dialog")
    page.text("[data-secret]")
    # As a tab of another build finds it when it is looked at again.
    page.open("/console")
    page.one(".side")
    page.driver.execute_script(
        "window.stale = true; document.querySelector('meta[name=build]').content = 'older';"
        "document.dispatchEvent(new Event('visibilitychange'))")
    page.wait(lambda: page.driver.execute_script("return !window.stale"))
    page.one(".side")


def holder(page):
    """The page of a key's holder."""
    page.open("/my")
    page.sign_in(key)
    page.shows("alpha", "h1")
    page.wait(lambda: page.all(".plot canvas") and page.all('[aria-label="Last requests"] tbody tr'))
    from_day = page.driver.execute_script("return new Date(Date.now() - 29 * 86400000).toISOString().slice(0, 10)")
    _, told = api(f"/v1/usage?from={from_day}&group_by=model", secret=key)
    shown = [cell.text for cell in page.all('[aria-label="Usage by model"] tbody td:nth-child(3)')]
    assert len(shown) == len(told["data"]) > 2
    for one, row in zip(shown, told["data"]):
        same_money(one, row["cost"])
    assert "serving" not in page.text("main"), "accounts are the operator's"
    settings = page.text('[aria-label="Ready settings"]')
    assert f"ANTHROPIC_BASE_URL={url}" in settings and key not in page.driver.page_source
    for client in ("Codex", "Gemini CLI", "Python", "TypeScript", "Go", "curl"):
        page.press(client, '[aria-label="Ready settings"]')
        page.wait(lambda: url in page.text('[aria-label="Ready settings"]') and "YOUR_KEY" in page.text('[aria-label="Ready settings"]'))
    page.look("my")
    # Nobody is signed out whom the gateway has not signed out.
    cut = {"offline": True, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    page.driver.execute_cdp_cmd("Network.enable", {})
    page.driver.execute_cdp_cmd("Network.emulateNetworkConditions", cut)
    page.press("Sign out")
    page.shows("still signed in", "[data-not-out]")
    assert not page.all('[name="secret"]')
    page.driver.execute_cdp_cmd("Network.emulateNetworkConditions", {**cut, "offline": False})
    page.press("Sign out")
    page.one('[name="secret"]')
    page.look("my-sign-in")


with tempfile.TemporaryDirectory() as profile:
    options.add_argument(f"--user-data-dir={profile}")
    driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
    try:
        driver.set_script_timeout(PATIENCE)
        page = Page(driver)
        driver.get(url + "/")
        page.wait(lambda: len(page.all(".doors a")) == 3)
        page.look("front")
        for step in (pages, requests, accounts, keys, groups_and_configuration, names, shared, keyboard, elsewhere, ended, holder):
            try:
                step(page)
            except Exception:
                driver.save_screenshot(os.path.join(folder, "failed.png"))
                print(f"in {step.__name__}, at {driver.current_url}", file=sys.stderr)
                raise
            print(step.__name__, flush=True)
        # Nothing that a page needs is forbidden to it, and nothing in it has failed.
        lines = [line["message"] for line in driver.get_log("browser")]
        wrong = [line for line in lines if "Content Security" in line and "/console" in line.split(" ")[0]]
        wrong += [line for line in lines if "Uncaught" in line or "TypeError" in line or "ReferenceError" in line]
        assert not wrong, wrong
    finally:
        driver.quit()
print("fine")
