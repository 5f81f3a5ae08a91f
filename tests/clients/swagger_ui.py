"""Swagger UI in headless Chromium: tries out requests of each client API. python swagger_ui.py URL KEY"""
import sys
import tempfile

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select, WebDriverWait

url, key = sys.argv[1:3]
PATIENCE = 60
ADMIN = "planted-admin-token"
WORDS = "Hello from Sluice"
MODEL = "/v1beta/models/{model}"
AZURE = "/azure/openai/deployments/{deployment}"

# Method, path, the example to send (None: what is shown at first), and what the answer says.
OPERATIONS = [
    ("post", "/v1/messages", None, [WORDS]),
    ("post", "/v1/messages", "stream", ["event: message_start", "event: message_stop"]),
    ("post", "/v1/messages/count_tokens", None, ["input_tokens"]),
    ("post", "/v1/chat/completions", None, [WORDS]),
    ("post", "/v1/chat/completions", "stream", ["chat.completion.chunk", "data: [DONE]"]),
    ("post", "/v1/responses", None, [WORDS]),
    ("post", "/v1/responses", "stream", ["event: response.created", "event: response.completed", WORDS]),
    ("post", "/v1/embeddings", None, ["0.25"]),
    ("post", "/v1/images/generations", None, ["b64_json"]),
    ("post", f"{MODEL}:generateContent", None, [WORDS]),
    ("post", f"{MODEL}:streamGenerateContent", None, ["data: {", '"finishReason":"STOP"']),
    ("post", f"{MODEL}:countTokens", None, ["totalTokens"]),
    ("post", f"{AZURE}/chat/completions", None, [WORDS]),
    ("post", f"{AZURE}/embeddings", None, ["0.25"]),
    ("get", "/v1/models", None, ["gpt-5.5"]),
    ("get", "/v1/me", None, ['"demo"', "concurrency"]),
]

options = Options()
options.binary_location = "/usr/bin/chromium"
for flag in ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync",
             "--disable-dev-shm-usage", "--window-size=1400,2000"):
    options.add_argument(flag)
options.set_capability("goog:loggingPrefs", {"browser": "ALL"})


def try_out(driver, wait, method, path, example, expected):
    blocks = driver.find_elements(By.CSS_SELECTOR, f".opblock-{method}")
    paths = {b.find_element(By.CSS_SELECTOR, ".opblock-summary-path").get_attribute("data-path"): b for b in blocks}
    block = paths[path]
    driver.execute_script("arguments[0].scrollIntoView({block: 'start'})", block)

    def click(css):
        found = wait.until(lambda _: next(iter(block.find_elements(By.CSS_SELECTOR, css)), None))
        driver.execute_script("arguments[0].click()", found)

    click(".opblock-summary-control")
    wait.until(lambda _: block.find_elements(By.CSS_SELECTOR, ".opblock-body"))
    if not block.find_elements(By.CSS_SELECTOR, ".execute"):
        click(".try-out__btn")
    if example:
        choice = wait.until(lambda _: block.find_elements(By.CSS_SELECTOR, ".examples-select-element"))[0]
        Select(choice).select_by_value(example)
        wait.until(lambda _: '"stream": true' in block.find_element(By.CSS_SELECTOR, "textarea").text)
    for old in block.find_elements(By.CSS_SELECTOR, ".btn-clear"):
        driver.execute_script("arguments[0].click()", old)
    click(".execute")
    wait.until(lambda _: block.find_elements(By.CSS_SELECTOR, ".live-responses-table .response-col_status"))
    status = block.find_element(By.CSS_SELECTOR, ".live-responses-table .response .response-col_status").text
    body = block.find_element(By.CSS_SELECTOR, ".live-responses-table .response").text
    assert status.startswith("200"), f"{path} {example}: {body}"
    for text in expected:
        # Swagger UI sets JSON anew, with spaces.
        assert text in body or text.replace('":', '": ') in body, f"{path} {example}: no {text} in {body}"
    click(".opblock-summary-control")


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
        for operation in OPERATIONS:
            try_out(driver, wait, *operation)
        # As the button in its dialogue does it: what an operator authorizes with is in the page alone.
        driver.execute_script(
            "window.ui.getSystem().authActions.authorizeWithPersistOption({ admin_token: {"
            " name: 'admin_token', schema: { type: 'http', scheme: 'bearer' }, value: arguments[0] } });", ADMIN)
        assert ADMIN in driver.execute_script("return JSON.stringify(window.ui.getSystem().authSelectors.authorized())")
        kept = "return JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])"
        assert ADMIN not in driver.execute_script(kept), "the admin token is kept"
        # Nothing that the page needs is forbidden to it.
        complaints = [line["message"] for line in driver.get_log("browser") if "Content Security" in line["message"]]
        assert not complaints, complaints
    finally:
        driver.quit()
print("fine")
