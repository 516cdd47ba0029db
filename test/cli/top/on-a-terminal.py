"""Runs a program on a terminal of its own. Orders come as lines of JSON on stdin: keys, size, signal, hangup.
Says on stdout, as lines of JSON: what the program wrote, in base64; at its end how it ended, and whether the
terminal's settings are those of before. Usage: on-a-terminal.py ROWS COLUMNS COMMAND..."""
import base64, fcntl, json, os, select, signal, struct, sys, termios

def say(**fields):
    sys.stdout.write(json.dumps(fields) + '\n')
    sys.stdout.flush()

def resize(fd, rows, columns):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))

master, slave = os.openpty()
resize(slave, int(sys.argv[1]), int(sys.argv[2]))
before = termios.tcgetattr(slave)
pid = os.fork()
if pid == 0:
    os.close(master)
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for fd in (0, 1, 2):
        os.dup2(slave, fd)
    os.close(slave)
    os.execvp(sys.argv[3], sys.argv[3:])
say(pid=pid)

orders = b''
watched = [sys.stdin.fileno(), master]
status = None
while status is None:
    for fd in select.select(watched, [], [], 0.02)[0]:
        data = os.read(fd, 65536)
        if fd == master:
            say(out=base64.b64encode(data).decode())
            continue
        if not data:
            watched.remove(fd)
            os.kill(pid, signal.SIGKILL)
        orders += data
        while b'\n' in orders:
            line, orders = orders.split(b'\n', 1)
            order = json.loads(line)
            if 'keys' in order:
                os.write(master, order['keys'].encode())
            elif 'size' in order:
                resize(slave, *order['size'])
            elif 'signal' in order:
                os.kill(pid, getattr(signal, order['signal']))
            elif 'hangup' in order:
                watched.remove(master)
                os.close(slave)
                os.close(master)
                master = None
    done, ended = os.waitpid(pid, os.WNOHANG)
    if done:
        status = ended

if master is None:
    say(exit=os.waitstatus_to_exitcode(status))
    sys.exit()
while select.select([master], [], [], 0)[0]:
    say(out=base64.b64encode(os.read(master, 65536)).decode())
say(exit=os.waitstatus_to_exitcode(status), isRestored=termios.tcgetattr(slave) == before)
