"""Runs a program on a pseudo-terminal and plays a script on it.

    terminal.py SCRIPT PROGRAM ARG…

SCRIPT is a JSON list of steps: {"expect": "text"} waits until this text has come since the last match, {"send": "text"}
types, {"sleep": 0.3} lets the program settle, {"touch": "file"} tells others how far it is. The exit code is the program's; 124 when an expected text does not come
(then what came is on stderr). All output goes to stdout.
"""
import fcntl, json, os, pty, select, struct, sys, termios, time

WAIT_SECONDS = 20


class Terminal:
    def __init__(self, argv):
        self.seen = b""
        self.at = 0
        self.pid, self.fd = pty.fork()
        if self.pid == 0:  # before the program looks, and before it sets a size of its own
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
            os.execvp(argv[0], argv)

    def read(self, deadline):
        """False at the end of the output or the time."""
        ready, _, _ = select.select([self.fd], [], [], max(0, deadline - time.monotonic()))
        if not ready:
            return False
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            return False
        self.seen += data
        return len(data) > 0

    def expect(self, text):
        wanted = text.encode()
        deadline = time.monotonic() + WAIT_SECONDS
        while (found := self.seen.find(wanted, self.at)) < 0:
            if not self.read(deadline):
                sys.stderr.write(f"no {text!r} in {self.seen[self.at:]!r}\n")
                os.kill(self.pid, 9)
                sys.exit(124)
        self.at = found + len(wanted)

    def end(self):
        deadline = time.monotonic() + WAIT_SECONDS
        while self.read(deadline):
            pass
        _, status = os.waitpid(self.pid, 0)
        return os.waitstatus_to_exitcode(status)


def main():
    terminal = Terminal(sys.argv[2:])
    for step in json.loads(sys.argv[1]):
        if "expect" in step:
            terminal.expect(step["expect"])
        elif "send" in step:
            os.write(terminal.fd, step["send"].encode())
        elif "sleep" in step:
            time.sleep(step["sleep"])
        elif "touch" in step:
            open(step["touch"], "w").close()
    code = terminal.end()
    sys.stdout.buffer.write(terminal.seen)
    return code


sys.exit(main())
