# An asyncio echo server on loopback with several clients, sleeping tasks and a subprocess.
import asyncio, random, sys

async def echo(reader, writer):
    while line := await reader.readline():
        await asyncio.sleep(random.random() / 500)
        writer.write(line.upper())
        await writer.drain()
    writer.close()

async def client(port, name, log):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for number in range(5):
        writer.write(f"client {name} line {number}\n".encode())
        log.append((await reader.readline()).decode().strip())
    writer.close()

async def main():
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    port, log = server.sockets[0].getsockname()[1], []
    async with server:
        await asyncio.gather(*(client(port, name, log) for name in range(6)))
    assert len(log) == 30
    print(port, log)
    child = await asyncio.create_subprocess_exec("sh", "-c", "echo $$; exit 4", stdout=asyncio.subprocess.PIPE)
    print(await child.communicate(), child.returncode)
    try:
        await asyncio.wait_for(asyncio.sleep(100), 0.005)
    except asyncio.TimeoutError:
        print("timed out")

asyncio.run(main())
print("EXIT-SUCCESS")
