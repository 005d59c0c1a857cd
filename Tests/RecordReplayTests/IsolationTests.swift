import Foundation
import Glibc
import TestSupport
import Testing

/// A replay reads its trace and shows output; nothing else in the world notices it. That it runs with the program's
/// directory deleted and from another one is part of every test (`RecordReplay`).
@Suite("A replay touches nothing", .serialized, .enabled(if: RRSCommand.isBuilt, "rrs isn't built"))
struct IsolationTests {
  @Test("without the program, which was deleted", .timeLimit(.minutes(10)))
  func programDeleted() throws {
    let original = try TestProgram("memory/map_file_shared").build()
    var trial = RecordReplay(["./program"])
    trial.prepare = { try FileManager.default.copyItem(atPath: original, toPath: $0 + "/program") }
    let outcome = try trial.run()
    #expect(outcome.problems.isEmpty, "\(outcome.report())")
  }

  @Test("where the program was overwritten in place, it replays or says so", .timeLimit(.minutes(10)))
  func programOverwritten() throws {
    let directory = try TemporaryDirectory("overwritten")
    var trial = RecordReplay(["./program"])
    let original = try TestProgram("processes/fork_basic").build()
    trial.prepare = { try FileManager.default.copyItem(atPath: original, toPath: $0 + "/program") }
    let recording = try trial.record(in: directory)
    try #require(recording.isSuccess, "\(recording)")
    let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: directory.file("work/program")))
    try handle.write(contentsOf: Data(repeating: 0xcc, count: 16384))
    try handle.close()
    let replay = try trial.replay(directory.file("trace"), in: directory)
    let isSame = RecordReplay.compare(recording, replay).isEmpty
    let saysSo = replay.status != .exited(0) && replay.errorText.contains("program")
    #expect(isSame || saysSo, "\(replay)")
    #expect(!replay.errorText.contains("Fatal error"))
  }

  @Test(
    "on a read-only file system and without a network", .timeLimit(.minutes(10)),
    .enabled(if: TestEnvironment.isRoot && TestEnvironment.has("unshare"), "namespaces need root"),
    arguments: [
      "files/renames", "files/large_file", "memory/shared_file_written", "blocking/tcp_loopback", "blocking/unix_stream",
      "memory/posix_shared", "memory/sysv_shared", "blocking/message_queues", "processes/daemon_double_fork",
    ])
  func readOnly(_ name: String) throws {
    let directory = try TemporaryDirectory("readonly")
    let trial = RecordReplay([try TestProgram(name).build()])
    let recording = try trial.record(in: directory)
    try #require(recording.isSuccess, "\(recording)")
    let script = """
      mount --make-rprivate / && mount --bind / / && mount -o remount,bind,ro / && mount -o remount,bind,ro /dev/shm
      cd / && ! touch \(directory.file("touched")) 2> /dev/null || exit 97
      exec '\(RRSCommand.path)' replay -a '\(directory.file("trace"))'
      """
    let replay = try run(
      ["unshare", "--mount", "--net", "--ipc", "/bin/sh", "-c", script], directory: directory.path)
    let differences = RecordReplay.compare(recording, replay)
    #expect(differences.isEmpty, "\(differences.joined(separator: "; "))\n\(replay)")
  }

  @Test("no signal is sent to others", .timeLimit(.minutes(10)))
  func noSignals() throws {
    let directory = try TemporaryDirectory("signals")
    let loop = "echo ready\nwhile :; do sleep 0.01; done\n"
    let script = try directory.write("trap 'echo hit >> \(directory.file("hits"))' USR1\n" + loop, to: "script")
    let listener = try RunningCommand(["/bin/bash", script])
    while !listener.outputSoFar.contains("ready") { usleep(5_000) }
    let trial = RecordReplay(["/bin/kill", "-USR1", "\(listener.pid)"])
    let recording = try trial.record(in: directory)
    #expect(recording.isSuccess, "\(recording)")
    func hits() -> Int { ProcessTable.text(directory.file("hits")).split(separator: "\n").count }
    let deadline = Date().addingTimeInterval(10)
    while hits() == 0 && Date() < deadline { usleep(10_000) }
    #expect(hits() == 1)
    let replay = try trial.replay(directory.file("trace"), in: directory)
    #expect(replay.isSuccess, "\(replay)")
    usleep(100_000)
    #expect(hits() == 1, "the replay sent its signal to a process outside")
    listener.send(SIGKILL)
  }

  @Test("no port is opened", .timeLimit(.minutes(10)))
  func noPort() throws {
    let directory = try TemporaryDirectory("port")
    // bind(2) of the same port fails while another listens there without SO_REUSEADDR: the replay must not try.
    let trial = RecordReplay(["/usr/bin/python3", "-c", """
      import socket
      s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(); print(s.getsockname()[1], flush=True)
      """])
    let recording = try trial.record(in: directory)
    try #require(recording.isSuccess, "\(recording)")
    let port = recording.outputText.split(separator: "\n").first.map(String.init) ?? ""
    let holder = try RunningCommand([
      "/usr/bin/python3", "-c",
      "import socket, time; s = socket.socket(); s.bind(('127.0.0.1', \(port))); s.listen(); "
        + "print('held', flush=True); time.sleep(60)",
    ])
    while holder.isRunning && !holder.outputSoFar.contains("held") { usleep(5_000) }
    let replay = try trial.replay(directory.file("trace"), in: directory)
    #expect(RecordReplay.compare(recording, replay).isEmpty, "\(replay)")
    holder.send(SIGKILL)
  }

  @Test("-g stops early, -q shows nothing", .timeLimit(.minutes(10)))
  func options() throws {
    let directory = try TemporaryDirectory("options")
    var trial = RecordReplay([try TestProgram("unending/chatter").build(), "100"])
    let recording = try trial.record(in: directory)
    try #require(recording.isSuccess, "\(recording)")
    trial.replayOptions = ["-q"]
    let quiet = try trial.replay(directory.file("trace"), in: directory)
    #expect(quiet.isSuccess && quiet.output.isEmpty, "\(quiet)")
    trial.replayOptions = ["-g", "150"]
    let early = try trial.replay(directory.file("trace"), in: directory)
    #expect(early.isSuccess && early.output.count < recording.output.count, "\(early)")
    #expect(recording.output.starts(with: early.output), "\(early)")
  }
}
