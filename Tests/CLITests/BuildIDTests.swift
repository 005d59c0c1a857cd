import Foundation
import ObjectFiles
import TestSupport
import Testing

/// `buildid`, and its reader of ELF files.
@Suite(.serialized) struct BuildIDTests {
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory("cli-buildid") }

  static let id = "0123456789abcdef0123456789abcdef01234567"

  func buildID(_ lines: String...) throws -> CommandResult {
    let input = try directory.write(lines.joined(separator: "\n"), to: "input")
    return try RRSCommand.run(["buildid"], directory: directory.path, input: input)
  }

  func compile(_ name: String, _ options: String...) throws -> String {
    try directory.write("int main(void) { return 0; }\n", to: "p.c")
    let result = try run(["gcc", "-o", directory.file(name)] + options + [directory.file("p.c")])
    try #require(result.isSuccess, "\(result)")
    return directory.file(name)
  }

  static func find(in bytes: [UInt8]) throws -> String? {
    try BuildID.find { offset, count in
      Array(bytes.dropFirst(Int(clamping: offset)).prefix(count))
    }?.description
  }

  /// What readelf(1) says.
  func expected(_ path: String) throws -> String? {
    let notes = try run(["readelf", "-n", path])
    return notes.outputText.split(separator: "\n").first { $0.contains("Build ID: ") }
      .map { String($0.split(separator: " ").last ?? "") }
  }

  @Test(arguments: ["/bin/true", "/lib/x86_64-linux-gnu/libc.so.6", "/lib64/ld-linux-x86-64.so.2"])
  func idsOfTheDistributionsFiles(_ path: String) throws {
    let expected = try #require(try expected(path))
    #expect(try buildID(path, "").outputText == expected + "\n")
  }

  @Test func idsOfAllKindsOfFiles() throws {
    let id = "-Wl,--build-id=0x\(Self.id)"
    let shared = try compile("shared.so", id, "-shared", "-fPIC")
    let plain = try compile("static", id, "-static")
    let short = try compile("short", "-Wl,--build-id=0x7f")
    let without = try compile("without", "-Wl,--build-id=none")
    let symbols = directory.file("symbols")
    #expect(try run(["objcopy", "--only-keep-debug", plain, symbols]).isSuccess)
    let result = try buildID(shared, without, plain, short, symbols, "", "/bin/true")
    #expect(result.isSuccess && result.outputText == "\(Self.id)\n\n\(Self.id)\n7f\n\(Self.id)\n", "\(result)")
  }

  @Test func itEndsAtTheEndAndAtWhatIsNoFile() throws {
    let id = try #require(try expected("/bin/true"))
    #expect(try buildID("/bin/true").outputText == id + "\n")
    let missing = try buildID("/bin/true", "/nowhere", "/bin/true")
    #expect(missing.status == .exited(66) && missing.outputText == id + "\n", "\(missing)")
    #expect(missing.errorText == "rrs: cannot open '/nowhere': No such file or directory\n")
    let other = try buildID(directory.file("input"))
    #expect(other.status == .exited(65) && other.output.isEmpty && other.errorText.contains("isn't an ELF file"), "\(other)")
  }

  /// Wherever a file ends, the reader gives the id or none.
  @Test func filesThatAreCutShort() throws {
    let whole = Array(try Data(contentsOf: URL(fileURLWithPath: compile("whole", "-Wl,--build-id=0x\(Self.id)"))))
    #expect(try Self.find(in: whole) == Self.id)
    var outcomes: Set<String?> = []
    for count in Array(0..<2048) + stride(from: 2048, to: whole.count, by: 97) {
      if count < 64 {
        #expect(throws: BuildID.Failure.self) { try Self.find(in: Array(whole[..<count])) }
      } else {
        outcomes.insert(try Self.find(in: Array(whole[..<count])))
      }
    }
    #expect(outcomes == [nil, Self.id])
  }

  /// Numbers in headers and notes are taken as what a stranger wrote.
  @Test func damagedFiles() throws {
    let whole = Array(try Data(contentsOf: URL(fileURLWithPath: compile("whole", "-Wl,--build-id=0x\(Self.id)"))))
    // What would go wrong ends the process: it is to go wrong again.
    var random = SeededRandom.repeatable()
    for _ in 0..<3000 {
      var damaged = whole
      for _ in 0..<Int.random(in: 1...6, using: &random) {
        damaged[Int.random(in: 6..<1200, using: &random)] = [0, 1, 0x7f, 0x80, 0xff].randomElement(using: &random) ?? 0
      }
      _ = try Self.find(in: damaged)
    }
  }

  @Test func filesFor32BitsToo() throws {
    // ELF header, a program header of a note segment, and the note.
    var file = [UInt8](repeating: 0, count: 52 + 32)
    file.replaceSubrange(0..<6, with: [0x7f, 0x45, 0x4c, 0x46, 1, 1])
    file[28] = 52  // e_phoff
    file[42] = 32  // e_phentsize
    file[44] = 1  // e_phnum
    file[52] = 4  // p_type
    file[56] = 84  // p_offset
    file[68] = 18  // p_filesz
    file += [4, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0] + Array("GNU\0".utf8) + [0xab, 0x01]
    #expect(try Self.find(in: file) == "ab01")
  }
}
