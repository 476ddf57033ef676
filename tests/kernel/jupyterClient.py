"""A real Jupyter client for jupyter.test.ts: one JSON command a line in, one JSON answer a line out.

python jupyterClient.py FOLDER     starts the kernel "tslab" in FOLDER; JUPYTER_PATH says where its spec is
"""

import json
import sys
import threading
import time

from jupyter_client.manager import KernelManager

TIMEOUT_S = 120


def say(answer):
    print(json.dumps(answer), flush=True)


def execute(manager, client, command):
    """Runs a cell; `interruptOn` is a text after which it is interrupted."""
    outputs = []

    def take(message):
        outputs.append({"type": message["msg_type"], "content": message["content"]})
        text = message["content"].get("text", "")
        if command.get("interruptOn") and command["interruptOn"] in text:
            threading.Timer(0.05, manager.interrupt_kernel).start()

    started = time.monotonic()
    reply = client.execute_interactive(
        command["code"],
        timeout=TIMEOUT_S,
        stop_on_error=command.get("stopOnError", True),
        output_hook=take,
    )
    time.sleep(0.2)  # a client of flesh and blood does not send again at once
    return {"reply": reply["content"], "outputs": outputs, "seconds": time.monotonic() - started}


def answer(manager, client, command):
    what = command["do"]
    if what == "execute":
        return execute(manager, client, command)
    if what == "queue":
        ids = [client.execute(code, stop_on_error=command["stopOnError"]) for code in command["codes"]]
        replies = {}
        while len(replies) < len(ids):
            message = client.get_shell_msg(timeout=TIMEOUT_S)
            replies[message["parent_header"]["msg_id"]] = message["content"]["status"]
        return [replies[one] for one in ids]
    if what == "complete":
        return client.complete(command["code"], command["cursor"], reply=True, timeout=TIMEOUT_S)["content"]
    if what == "inspect":
        return client.inspect(command["code"], command["cursor"], reply=True, timeout=TIMEOUT_S)["content"]
    if what == "commInfo":
        message = client.comm_info(reply=True, timeout=TIMEOUT_S)
        return {"type": message["msg_type"], "content": message["content"]}
    if what == "interrupt":
        manager.interrupt_kernel()
        time.sleep(0.3)
        return manager.is_alive()
    if what == "restart":
        manager.restart_kernel()
        client.wait_for_ready(timeout=TIMEOUT_S)
        return True
    raise ValueError(what)


def main(folder):
    started = time.monotonic()
    manager = KernelManager(kernel_name="tslab")
    manager.start_kernel(cwd=folder, stdout=sys.stderr, stderr=sys.stderr)  # our answers stay alone
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=TIMEOUT_S)
    say({"pid": manager.provisioner.process.pid, "readySeconds": time.monotonic() - started})
    for line in sys.stdin:
        say(answer(manager, client, json.loads(line)))
    client.stop_channels()
    manager.shutdown_kernel()


main(sys.argv[1])
