import ArgumentParser
import Glibc

/// `rrs doctor`
struct DoctorCommand: Verb {
  static let form = VerbForm(name: "doctor", options: [.flag("json")])

  static let configuration = VerbForm.configuration(
    "doctor", abstract: "Say what this machine offers, and how rrs will run on it.",
    discussion: "The exit status is 0 where recording can work, else 69.")

  @Flag(name: .customLong("json"), help: "Print a JSON object.")
  var json = false

  func run() throws {
    let counter = HardwareCounter.find()
    let checks =
      [KernelProbes.kernel()] + TracingProbe.checks() + [
        KernelProbes.seccomp(), KernelProbes.performanceCounter(counter), KernelProbes.engine(counter),
        KernelProbes.perfEventParanoid(), KernelProbes.timeStampCounter(), KernelProbes.cpuidFaulting(),
        KernelProbes.addressRandomization(),
      ] + KernelProbes.managementMode(counter) + ResourceProbes.traceDirectory() + [
        ResourceProbes.memory(), ResourceProbes.limits(), ResourceProbes.debugger(),
      ]
    let canRecord = !checks.contains { $0.status == .broken }
    var output = StandardOutput()
    if json {
      output.print(Self.report(checks, canRecord: canRecord))
    } else {
      for check in checks { output.print(Self.line(check)) }
      output.print("")
      output.print(canRecord ? "rrs can record on this machine." : "rrs can't record on this machine.")
    }
    output.flush()
    if !canRecord { throw CommandFailure(message: "", status: EX_UNAVAILABLE) }
  }

  private static func line(_ check: MachineCheck) -> String {
    let mark = TextFormat.padded(check.status.rawValue, toRight: 8)
    let remedy = check.remedy.map { " Remedy: \($0)." } ?? ""
    return "\(mark)\(TextFormat.padded(check.name, toRight: 22)) \(check.value): \(check.consequence).\(remedy)"
  }

  private static func report(_ checks: [MachineCheck], canRecord: Bool) -> JSONText {
    var json = JSONText(isIndented: true)
    json.object { root in
      root.bool("canRecord", canRecord)
      root.array("checks") { list in
        for check in checks {
          list.object { entry in
            entry.string("name", check.name)
            entry.string("value", check.value)
            entry.string("status", check.status.rawValue)
            entry.string("consequence", check.consequence)
            if let remedy = check.remedy { entry.string("remedy", remedy) } else { entry.null("remedy") }
          }
        }
      }
    }
    return json
  }
}
