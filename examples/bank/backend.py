#!/usr/bin/env python3
"""The bank behind the bot, for trying it out: customers 10000001 and 10000002, whose code is always 123456.

    python3 backend.py [PORT]      # 8090

A request with an Idempotency-Key that was seen before gets the same answer, and nothing is done again."""
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CODE = "123456"
CUSTOMERS = {
    "10000001": {"name": "Ada", "cards": ["4421", "9017"], "accounts": [
        {"name": "current", "name_zh": "活期", "balance": "1,204.50", "currency": "EUR"},
        {"name": "savings", "name_zh": "储蓄", "balance": "8,000.00", "currency": "EUR"}]},
    "10000002": {"name": "王芳", "cards": ["3300"], "accounts": [
        {"name": "current", "name_zh": "活期", "balance": "92.10", "currency": "EUR"}]},
}
RATES = {"USD": 1.09, "CNY": 7.81, "CHF": 0.94}
blocked, answers = [], {}


def post(path, body):
    customer = CUSTOMERS.get(body.get("number"))
    if path == "/codes":
        return (200, {"sent": True}) if customer else (404, {"error": "unknown customer"})
    if path == "/identity":
        good = customer and body.get("code") == CODE
        return (200, {"name": customer["name"]}) if good else (403, {"error": "wrong code"})
    if path == "/cards/block" and customer:
        if body.get("card") not in customer["cards"]:
            return 404, {"error": "no such card"}
        blocked.append(body["card"])
        return 200, {"reference": f"B{len(blocked):05}"}
    return 404, {"error": "not found"}


def get(path):
    parts = path.strip("/").split("/")
    if len(parts) == 3 and parts[0] == "customers" and parts[1] in CUSTOMERS and parts[2] == "accounts":
        return 200, {"accounts": CUSTOMERS[parts[1]]["accounts"]}
    if len(parts) == 2 and parts[0] == "rates" and parts[1] in RATES:
        return 200, {"currency": parts[1], "rate": RATES[parts[1]]}
    return 404, {"error": "not found"}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        self.answer(*get(self.path))

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or "{}")
        key = self.headers.get("Idempotency-Key")
        if key not in answers:
            result = post(self.path, body)
            if key:
                answers[key] = result
        self.answer(*(answers[key] if key else result))


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8090
    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
