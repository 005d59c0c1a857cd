import Foundation
import TestSupport
import Testing

/// A shell command line on real programs, run by bash in an empty directory of its own.
struct Workload: Sendable, CustomTestStringConvertible {
  var name: String
  /// Programs that must be installed; where one isn't, the test is reported as skipped.
  var needs: [String]
  var script: String
  /// Files of Tests/Programs that are copied into the directory first.
  var files: [String] = []
  /// A script that is run there before, not recorded.
  var setUp: String?
  var checksumInterval: Int? = 997
  var seconds: Double = 90
  var status = CommandStatus.exited(0)
  /// What the output must contain, so that a failure inside the script doesn't go unseen.
  var shows = ""
  /// Replays beyond the first show little where one takes long.
  var replays = TestEnvironment.replays

  var testDescription: String { name }
  var isPossible: Bool { needs.allSatisfy { TestEnvironment.find($0) != nil } }

  /// Records, replays and compares; the description of all problems, empty if there are none.
  func run(recordOptions: [String] = []) throws -> String {
    var trial = RecordReplay(["/bin/bash", "-c", script])
    trial.recordOptions = recordOptions
    trial.checksumInterval = checksumInterval
    trial.seconds = seconds
    trial.replays = replays
    let files = files, setUp = setUp
    trial.prepare = { work in
      for file in files {
        let target = work + "/" + (file as NSString).lastPathComponent
        try FileManager.default.copyItem(atPath: TestProgram.directory + "/" + file, toPath: target)
      }
      guard let setUp else { return }
      let result = try TestSupport.run(["/bin/bash", "-c", setUp], directory: work, within: 120)
      guard result.isSuccess else { throw TestFailure("\(result)") }
    }
    trial.environment["HOME"] = "/nonexistent"
    let shows = shows
    let outcome = try trial.run(expected: status) { result in
      shows.isEmpty || result.outputText.contains(shows) ? nil : "the output lacks '\(shows)'"
    }
    return outcome.report()
  }
}

/// Those of a list that this machine can run, and a test that names the others.
func check(_ workload: Workload) throws {
  guard workload.isPossible else {
    throw TestFailure("needs \(workload.needs.joined(separator: ", ")): Scripts/setup --tests installs them")
  }
  let problems = try workload.run()
  #expect(problems.isEmpty, "\(workload.name): \(problems)")
}
