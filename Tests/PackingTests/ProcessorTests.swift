import Foundation
import TestSupport
import Testing
import TraceFormat

/// Traces on machines with other processors.
@Suite(.serialized, .timeLimit(.minutes(10)), .enabled(if: RRSCommand.isBuilt, "rrs isn't built")) struct ProcessorTests {
  /// A header that says that the program was told of a feature which this processor lacks.
  @Test func aFeatureThatThisProcessorLacks() throws {
    let here = CPUIDTable.read()
    let feature = try #require(
      ProcessorFeature.all.first { feature in
        !here.has(feature) && here.records.contains { $0.leaf == feature.leaf && $0.subleaf == feature.subleaf }
      })
    var header = TraceHeader()
    header.engine = "software"
    header.cpuid = here.records.map { record in
      var record = record
      guard record.leaf == feature.leaf, record.subleaf == feature.subleaf else { return record }
      switch feature.register {
      case .eax: record.eax |= 1 << feature.bit
      case .ebx: record.ebx |= 1 << feature.bit
      case .ecx: record.ecx |= 1 << feature.bit
      case .edx: record.edx |= 1 << feature.bit
      }
      return record
    }
    let trace = try SmallTrace([], header: header)
    #expect(try RRSCommand.run(["pack", trace.directory]).isSuccess)
    let refused = try RRSCommand.run(["replay", "-a", trace.directory])
    #expect(refused.status == .exited(65), "\(refused)")
    #expect(refused.errorText.contains("features that this processor lacks (\(feature.name))"), "\(refused)")
    header.cpuid = here.records
    let same = try SmallTrace([], header: header)
    #expect(try !RRSCommand.run(["replay", "-a", same.directory]).errorText.contains("lacks"))
  }

  /// What was hidden stays hidden, also from a packed trace that isn't where it was recorded.
  @Test(arguments: ["--cpu=x86-64", "--disable-cpuid-features=0x10000000", "--disable-cpuid-features-ext=0x20"])
  func hiddenFeatures(option: String) throws {
    let directory = try TemporaryDirectory("processor")
    // The dynamic linker tells which levels of processors it finds, and the features that it bases this on.
    let linker = "/lib64/ld-linux-x86-64.so.2"
    let trace = directory.file("trace")
    let plain = try run([linker, "--list-diagnostics"])
    let recording = try RRSCommand.run(
      ["--checksum=50", "record", option, "-o", trace, "--", linker, "--list-diagnostics"], within: 60)
    #expect(recording.isSuccess && recording.outputText != plain.outputText, "\(recording)")
    #expect(try RRSCommand.run(["pack", trace]).isSuccess)
    let moved = directory.file("moved")
    #expect(rename(trace, moved) == 0)
    let replay = try RRSCommand.run(["replay", "-a", moved])
    #expect(RecordReplay.compare(recording, replay).isEmpty, "\(replay)")
    let features = CPUIDTable(records: try TraceReader(directory: moved).header.cpuid)
    #expect(!CPUIDTable.read().features(notIn: features).isEmpty)
    #expect(features.features(notIn: .read()).isEmpty)
  }
}
