import Foundation
import Glibc
import TestSupport
import Testing

/// Recorded programs that something outside of the recording talks to, signals or kills.
@Suite("From outside", .serialized, .enabled(if: RRSCommand.isBuilt, "rrs isn't built"))
struct OutsideTests {
  /// A recording in progress.
  struct Live {
    var directory: TemporaryDirectory
    var command: RunningCommand
    var trace: String { directory.file("trace") }

    init(_ program: [String], options: [String] = []) throws {
      directory = try TemporaryDirectory("outside")
      let work = try directory.makeDirectory("work")
      var arguments: [String] = ["record"] + options
      arguments += ["-o", directory.file("trace"), "--"] + program
      command = try RRSCommand.start(arguments, directory: work, environment: ["PATH": TestEnvironment.searchPath])
    }

    func waitForOutput(_ text: String) throws {
      let deadline = Date().addingTimeInterval(20 * TestEnvironment.patience)
      while !command.outputSoFar.contains(text) {
        guard Date() < deadline, command.isRunning else {
          let result = try command.finish(within: 0)
          throw TestFailure("no '\(text)' from\n\(result)")
        }
        usleep(5_000)
      }
    }

    /// Checks that replays give what the recording gave.
    func finish(
      expected: CommandStatus, within seconds: Double = 30, replays: Int = TestEnvironment.replays
    ) throws {
      let recording = try command.finish(within: seconds * TestEnvironment.patience)
      #expect(recording.status == expected && !recording.isOutOfTime, "\(recording)")
      let trial = RecordReplay([])
      for _ in 0..<replays {
        let replay = try trial.replay(trace, in: directory)
        let differences = RecordReplay.compare(recording, replay)
        if !differences.isEmpty { directory.keep() }
        #expect(differences.isEmpty, "\(differences.joined(separator: "; "))\n\(replay)\nkept: \(trace)")
      }
    }
  }

  @Test("a crash in a thread", .timeLimit(.minutes(10)))
  func crashInThread() throws {
    let live = try Live([try TestProgram("unending/crash_in_thread").build()])
    try live.finish(expected: .killed(SIGSEGV))
  }

  @Test("killed from outside", .timeLimit(.minutes(10)), arguments: [SIGTERM, SIGKILL, SIGUSR1])
  func killed(_ signal: Int32) throws {
    let live = try Live([try TestProgram("unending/waiting").build()])
    try live.waitForOutput("waiting in")
    let pid = try #require(Int32(live.command.outputSoFar.split(separator: " ").last?.dropLast() ?? ""))
    #expect(kill(pid, signal) == 0)
    try live.finish(expected: .killed(signal))
  }

  @Test("SIGTERM to the recorder ends the program and the recording", .timeLimit(.minutes(10)))
  func recorderTerminated() throws {
    let live = try Live([try TestProgram("unending/waiting").build()])
    try live.waitForOutput("waiting in")
    live.command.send(SIGTERM)
    try live.finish(expected: .killed(SIGTERM))
  }

  @Test("standard input from a file", .timeLimit(.minutes(10)))
  func standardInput() throws {
    let directory = try TemporaryDirectory("input")
    let lines = (1...3000).map { "\($0 * 7919 % 3001) \(UInt32.random(in: 0...999_999))\n" }.joined()
    var trial = RecordReplay(["/usr/bin/sort", "-n"])
    trial.input = try directory.write(lines, to: "lines")
    let outcome = try trial.run { $0.output.count == lines.utf8.count ? nil : "sort gave something else" }
    #expect(outcome.problems.isEmpty, "\(outcome.report())")
  }

  /// The daemon writes after its parent is gone: without -w the recording ends before that.
  @Test("daemons are waited for with -w", .timeLimit(.minutes(10)), arguments: [true, false])
  func daemons(_ waits: Bool) throws {
    var trial = RecordReplay(["/bin/sh", "-c", "(sleep 0.2; echo late) & echo early; exit 5"])
    trial.recordOptions = waits ? ["-w"] : []
    let outcome = try trial.run(expected: .exited(5)) { result in
      result.outputText == (waits ? "early\nlate\n" : "early\n") ? nil : "wrong output"
    }
    #expect(outcome.problems.isEmpty, "\(outcome.report())")
  }

  @Test("a server with a client that isn't recorded", .timeLimit(.minutes(10)))
  func server() throws {
    let live = try Live([try TestProgram("unending/server").build()])
    try live.waitForOutput("port ")
    let words = live.command.outputSoFar.split(whereSeparator: \.isWhitespace)
    let port = try #require(words.last.flatMap { UInt16($0) })
    for text in ["first", "second", "end"] { #expect(try exchange(text, port: port) == text) }
    try live.finish(expected: .exited(0))
  }

  @Test(
    "nginx with a client that isn't recorded", .timeLimit(.minutes(10)),
    .enabled(if: TestEnvironment.has("nginx"), "nginx isn't installed"))
  func nginx() throws {
    let port = UInt16.random(in: 20000...40000)
    let script = """
      \(Workloads.nginxConfiguration(port: "\(port)"))
      nginx -p $PWD -c nginx.conf -e error.log &
      until [ -e nginx.pid ]; do sleep 0.05; done
      echo serving; wait; cat access.log
      """
    let live = try Live(["/bin/bash", "-c", script])
    try live.waitForOutput("serving")
    for path in ["/page0", "/page1", "/nothing"] {
      let answer = try exchange("GET \(path) HTTP/1.0\r\n\r\n", port: port)
      #expect(answer.contains(path == "/nothing" ? "404" : "200 OK"))
    }
    let pid = try #require(Int32(ProcessTable.text(live.directory.file("work/nginx.pid")).dropLast()))
    #expect(kill(pid, SIGQUIT) == 0)
    try live.finish(expected: .exited(0))
  }

  /// Sends `text` to a loopback port and gives the whole answer.
  private func exchange(_ text: String, port: UInt16) throws -> String {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    let result = withUnsafePointer(to: address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard result == 0 else { throw TestFailure("can't connect to port \(port): \(String(cString: strerror(errno)))") }
    var limit = timeval(tv_sec: 20, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    _ = send(descriptor, text, text.utf8.count, Int32(MSG_NOSIGNAL))
    var answer: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = recv(descriptor, &chunk, chunk.count, 0)
      guard count > 0 else { break }
      answer += chunk[..<count]
    }
    return String(decoding: answer, as: UTF8.self)
  }
}
