import Foundation
import ObjectFiles
import TestSupport
import Testing

/// What is read of ELF files; whatever bytes they have, reading ends and doesn't crash.
@Suite(.enabled(if: TestEnvironment.has("gcc"), "gcc isn't installed")) struct ObjectFileTests {
  private func object(_ bytes: [UInt8]) -> ObjectFile? {
    ObjectFile { offset, count in
      guard offset < UInt64(bytes.count), count > 0 else { return [] }
      return Array(bytes[Int(offset)..<min(bytes.count, Int(offset) + count)])
    }
  }

  private func build(_ options: String) throws -> [UInt8] {
    let directory = try TemporaryDirectory("object")
    try directory.write("int main(void) { return 0; }", to: "main.c")
    let made = try run(
      ["/bin/sh", "-c", "gcc -g -gsplit-dwarf \(options) -c -o main.o main.c && gcc \(options) -o main main.o"],
      directory: directory.path)
    try #require(made.isSuccess, "\(made)")
    return [UInt8](try Data(contentsOf: URL(fileURLWithPath: directory.file("main"))))
  }

  @Test(arguments: ["-gdwarf-4", "-gdwarf-5"]) func splitUnits(version: String) throws {
    let file = try #require(object(try build(version)))
    let units = SplitUnits.units(of: file)
    #expect(units.count == 1 && units[0].name == "main.dwo" && units[0].directory.contains("/rrs-object."))
    #expect(file.buildID != nil && file.sharedObjectName == nil && file.debugLink == nil)
  }

  @Test func namesOfLibraries() throws {
    let library = try #require(object(try build("-shared -fPIC -Wl,-soname,libsome.so.3")))
    #expect(library.sharedObjectName == "libsome.so.3")
  }

  @Test(arguments: ["-gdwarf-4", "-gdwarf-5"]) func hostileBytes(version: String) throws {
    let whole = try build(version)
    var random = SeededRandom.repeatable()
    for _ in 0..<400 {
      var bytes = whole
      for _ in 0..<random.next() % 200 + 1 {
        bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
      }
      if random.next() % 4 == 0 { bytes.removeLast(Int(random.next() % UInt64(bytes.count))) }
      // Where the sections are is of more interest than the rest.
      if bytes.count > 64 { bytes.replaceSubrange(0..<20, with: whole[0..<20]) }
      guard let file = object(bytes) else { continue }
      _ = (SplitUnits.units(of: file), file.sharedObjectName, file.debugLink, file.sharedDebugLink, file.buildID)
    }
  }
}
