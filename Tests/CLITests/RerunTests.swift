import Foundation
import TestSupport
import Testing

/// `rerun` on programs whose registers are known.
@Suite(.serialized, .timeLimit(.minutes(10))) struct RerunTests {
  let directory: TemporaryDirectory
  let environment: [String: String]

  init() throws {
    directory = try TemporaryDirectory("cli-rerun")
    environment = ["RRS_TRACE_DIR": directory.file("traces"), "PATH": TestEnvironment.searchPath]
  }

  func rrs(_ arguments: String...) throws -> CommandResult {
    try RRSCommand.run(arguments, directory: directory.path, environment: environment, within: 120)
  }

  /// Records a program without a library, whose code begins at 0x401000.
  func recordAssembly(_ source: String) throws {
    try directory.write(source, to: "p.s")
    let compiled = try run([
      "gcc", "-nostdlib", "-static", "-Wl,-Ttext=0x401000,--build-id=none", "-o", directory.file("p"), directory.file("p.s"),
    ])
    try #require(compiled.isSuccess, "\(compiled)")
    let recording = try rrs("record", directory.file("p"))
    try #require(recording.isSuccess, "\(recording)")
  }

  func lines(_ result: CommandResult) throws -> [String] {
    try #require(result.isSuccess && result.errorText.isEmpty, "\(result)")
    return result.outputText.split(separator: "\n", omittingEmptySubsequences: false).map(String.init).dropLast()
  }

  static let loop = """
    .globl _start
    _start:
      xor %eax, %eax
      mov $2, %ecx
    1:
      add %rcx, %rax
      dec %rcx
      jnz 1b
      lea -64(%rsp), %rdi
      mov $16, %ecx
      rep stosb
      movq %rdi, %xmm7
      mov $39, %eax
      syscall
      mov $60, %eax
      xor %edi, %edi
      syscall
    function:
      mov $0x1234, %eax
      push %rax
      pop %rdx
      ret

    """

  /// By hand: the addresses are those of the instructions' lengths.
  @Test func everyInstructionIsWritten() throws {
    try recordAssembly(Self.loop)
    let found = try lines(rrs("rerun", "--singlestep=event,icount,ip,rax,rcx,ticks"))
    let code: [(offset: UInt64, rax: UInt64?, rcx: UInt64)] = [
      (0x2, 0, 0), (0x7, 0, 2), (0xa, 2, 2), (0xd, 2, 1), (0x7, 2, 1), (0xa, 3, 1), (0xd, 3, 0), (0xf, 3, 0),
      (0x14, 3, 0), (0x19, 3, 16), (0x1b, 3, 0), (0x20, 3, 0), (0x25, 39, 0), (0x27, nil, 0x401027),
    ]
    var expected = ["event:1 icount:0 rip:0x401000 rax:0x0 rcx:0x0 ticks:0"]
    let pid = try #require(try lines(rrs("rerun", "--event-regs=event,rax")).first { $0.hasPrefix("event:2 ") })
    for (index, step) in code.enumerated() {
      let rax = step.rax.map { "0x" + String($0, radix: 16) } ?? String(pid.split(separator: ":")[2])
      expected.append(
        "event:2 icount:\(index + 1) rip:0x\(String(0x401000 + step.offset, radix: 16)) rax:\(rax) "
          + "rcx:0x\(String(step.rcx, radix: 16)) ticks:")
    }
    #expect(found.count == expected.count + 2, "\(found)")
    for (line, beginning) in zip(found, expected) { #expect(line.hasPrefix(beginning)) }
    let ticks = found.compactMap { $0.split(separator: ":").last.flatMap { Int($0) } }
    #expect(ticks.count == found.count && ticks == ticks.sorted() && ticks.last == 1, "\(found)")
    #expect(found.suffix(2).map { $0.split(separator: " ")[0...2].joined(separator: " ") } == [
      "event:3 icount:1 rip:0x40102c", "event:3 icount:2 rip:0x40102e",
    ])
  }

  @Test func binaryRecordsHoldTheSame() throws {
    try recordAssembly(Self.loop)
    let fields: [(name: String, byteCount: Int)] =
      [("event", 8), ("tid", 4), ("rip", 8), ("rflags", 8), ("fop", 2), ("fip", 8), ("mxcsr", 4), ("cs", 8)]
      + (0..<16).map { ("xmm\($0)", 16) } + (0..<16).map { ("ymm\($0)", 32) }
    let names = "event,tid,ip,flags,fop,fip,mxcsr,cs,xmm_x16,ymm_x16"
    let texts = try lines(rrs("rerun", "--event-regs=\(names)", "-e", "3"))
    let binary = try rrs("rerun", "-r", "--event-regs", names, "-e3")
    let byteCount = fields.reduce(1) { $0 + $1.byteCount }
    #expect(texts.count == 2)
    try #require(binary.output.count == texts.count * byteCount, "\(binary.output.count)")
    for (index, text) in texts.enumerated() {
      let record = Array(binary.output[index * byteCount..<(index + 1) * byteCount])
      var position = 0
      var words: [String] = []
      for field in fields {
        let bytes = record[position..<position + field.byteCount].reversed()
        position += field.byteCount
        let isCount = field.name == "event" || field.name == "tid"
        let digits = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined().drop { $0 == "0" }
        words.append(
          field.name + ":" + (isCount ? "\(bytes.reduce(0) { $0 << 8 | Int($1) })" : "0x\(digits.isEmpty ? "0" : digits)"))
      }
      #expect(words.joined(separator: " ") == text)
      #expect(record.last == UInt8(ascii: "\n"))
    }
    let vector = try #require(texts.last?.split(separator: " ").first { $0.hasPrefix("xmm7:") })
    #expect(vector.hasPrefix("xmm7:0x7ff"), "\(vector)")
    let stack = try lines(rrs("rerun", "--event-regs=rdi,xinuse,segregs,orig_rax", "-s2", "-e3"))
    #expect(stack.first?.contains("rdi:" + vector.dropFirst("xmm7:".count) + " ") == true)
    #expect(stack.first?.contains("es:0x0 cs:0x33 ss:0x2b ds:0x0 fs:0x0 gs:0x0 orig_rax:0x27") == true, "\(stack)")
  }

  /// Of all threads and processes, those that are gone with it apart.
  @Test(arguments: ["blocking/mutex_contended", "processes/vfork_exec", "signals/handler_nested"])
  func everyEventIsWritten(_ name: String) throws {
    let recording = try rrs("record", try TestProgram(name).build())
    try #require(recording.isSuccess, "\(recording)")
    let rows = try lines(rrs("dump", "-r")).map { $0.split(separator: " ").map(String.init) }
    let (end, exit) = ("9", "4")
    let expected = rows.filter { $0[2] != end && $0[2] != exit }
    let found = try lines(rrs("rerun", "--event-regs=event,tid,ticks,rsp"))
    #expect(found.count == expected.count)
    let (stackPointer, imageStart) = (4 + 19, "5")
    for (line, row) in zip(found, expected) {
      // Ticks count from the image's start.
      let place = "event:\(row[0]) tid:\(row[1]) ticks:\(row[2] == imageStart ? "0" : row[3]) rsp:0x"
      if row.count > stackPointer { #expect(line == place + row[stackPointer]) } else { #expect(line.hasPrefix(place)) }
    }
    // Each instruction is its event's thread's.
    let owners = Dictionary(uniqueKeysWithValues: rows.map { ($0[0], $0[1]) })
    let first = rows.count / 2
    let steps = try lines(rrs("rerun", "--singlestep=event,tid", "-s", "\(first)", "-e", "\(first + 12)"))
    #expect(steps.count > 100)
    for step in steps.dropFirst() {
      let words = step.split(separator: " ").map { String($0.split(separator: ":")[1]) }
      #expect(owners[words[0]] == words[1], "\(step)")
    }
    let events = steps.dropFirst().compactMap { Int($0.split(separator: " ")[0].dropFirst("event:".count)) }
    #expect(events == events.sorted() && events.first == first && Set(events).isSubset(of: Set(first..<first + 12)))
  }

  @Test func aFunctionIsCalled() throws {
    try recordAssembly(Self.loop)
    let result = try lines(rrs("rerun", "-f", "0x401030", "-s2", "--singlestep=event,icount,ip,rdi,rdx"))
    let expected = [(0x401035, 0), (0x401036, 0), (0x401037, 0x1234), (0x9, 0x1234)].enumerated().map {
      "event:2 icount:\($0 + 1) rip:0x\(String($1.0, radix: 16)) rdi:0x0 rdx:0x\(String($1.1, radix: 16))"
    }
    #expect(result == expected)
    #expect(try lines(rrs("rerun", "-f4198448")).isEmpty)
    let lost = try rrs("rerun", "-f", "0x10", "-s2")
    #expect(lost.status == .exited(69) && lost.errorText.contains("got signal 11 at 0x10"), "\(lost)")
    let nowhere = try rrs("rerun", "-f", "0x401030", "-s5")
    #expect(nowhere.status == .exited(69) && nowhere.errorText == "rrs: no thread runs at event 5\n", "\(nowhere)")
  }

  /// What the program writes isn't shown: stdout is for the records.
  @Test func theProgramsOutputIsNotShown() throws {
    _ = try rrs("record", "echo", "hello")
    #expect(try lines(rrs("rerun", "--event-regs=event", "-e", "4")) == ["event:1", "event:2", "event:3"])
    #expect(try rrs("rerun").output.isEmpty)
  }

  @Test func mistakesAreOneLine() throws {
    _ = try rrs("record", "true")
    for (arguments, status, text) in [
      (["--singlestep=ip,foo"], 64, "there is no register 'foo'"), (["--event-regs=,"], 64, "no register ''"),
      (["-s", "9999"], 64, "its last event is"), (["-s5", "-e5"], 64, "nothing lies between event 5 and event 5"),
      (["-f", "main"], 64, "'main' isn't an address"), (["-s", "x"], 64, "rerun"), (["nosuchtrace"], 66, "no trace"),
    ] {
      let result = try RRSCommand.run(["rerun"] + arguments, directory: directory.path, environment: environment)
      #expect(result.status == .exited(Int32(status)) && result.output.isEmpty, "\(result)")
      #expect(result.errorText.contains(text) && result.errorText.split(separator: "\n").count == 1, "\(result)")
    }
  }
}
