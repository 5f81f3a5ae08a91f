"""Swagger UI in headless Chromium: tries out one request of each client API. python swagger_ui.py URL KEY"""
import sys
import tempfile

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

url, key = sys.argv[1:3]
PATIENCE = 60

OPERATIONS = [
    ("post", "/v1/messages", "Hello from Sluice"),
    ("post", "/v1/chat/completions", "Hello from Sluice"),
    ("post", "/v1/responses", "Hello from Sluice"),
    ("post", "/v1beta/models/{model}:generateContent", "Hello from Sluice"),
]

options = Options()
options.binary_location = "/usr/bin/chromium"
for flag in ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync",
             "--disable-dev-shm-usage", "--window-size=1400,2000"):
    options.add_argument(flag)

with tempfile.TemporaryDirectory() as profile:
    options.add_argument(f"--user-data-dir={profile}")
    driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
    try:
        wait = WebDriverWait(driver, PATIENCE)
        driver.get(f"{url}/docs/")
        wait.until(lambda d: d.find_elements(By.CSS_SELECTOR, ".opblock"))
        assert "Sluice" in driver.find_element(By.CSS_SELECTOR, ".info .title").text
        wait.until(lambda d: d.execute_script("return !!window.ui && !!window.ui.preauthorizeApiKey"))
        driver.execute_script(
            "for (const name of ['client_key', 'google_key', 'client_bearer'])"
            " window.ui.preauthorizeApiKey(name, arguments[0]);", key)
        for method, path, expected in OPERATIONS:
            blocks = driver.find_elements(By.CSS_SELECTOR, f".opblock-{method}")
            block = next(b for b in blocks
                         if b.find_element(By.CSS_SELECTOR, ".opblock-summary-path").get_attribute("data-path") == path)
            driver.execute_script("arguments[0].scrollIntoView({block: 'start'})", block)
            click = lambda css: driver.execute_script(
                "arguments[0].click()",
                wait.until(lambda _: next(iter(block.find_elements(By.CSS_SELECTOR, css)), None)))
            click(".opblock-summary-control")
            if not block.find_elements(By.CSS_SELECTOR, ".execute"):
                click(".try-out__btn")
            click(".execute")
            wait.until(lambda _: block.find_elements(By.CSS_SELECTOR, ".live-responses-table .response-col_status"))
            status = block.find_element(By.CSS_SELECTOR, ".live-responses-table .response .response-col_status").text
            body = block.find_element(By.CSS_SELECTOR, ".live-responses-table .response").text
            assert status.startswith("200"), f"{path}: {body}"
            assert expected in body, f"{path}: {body}"
            click(".opblock-summary-control")
    finally:
        driver.quit()
print("fine")
