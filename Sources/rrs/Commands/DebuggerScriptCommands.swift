import ArgumentParser
import DebugServer

/// `rrs gdbinit`
struct GDBInitCommand: Verb {
  static let form = VerbForm(name: "gdbinit", options: [])
  static let configuration = VerbForm.configuration(
    "gdbinit", abstract: "Print rrs's commands for gdb, for a file that gdb reads.",
    discussion: "rrs replay hands them to gdb by itself; who starts gdb otherwise needs them.")

  @OptionGroup var global: GlobalOptions

  func run() {
    var output = StandardOutput()
    output.print(GDBScript.text)
  }
}

/// `rrs lldbinit`
struct LLDBInitCommand: Verb {
  static let form = VerbForm(name: "lldbinit", options: [])
  static let configuration = VerbForm.configuration(
    "lldbinit", abstract: "Print rrs's commands for LLDB, for its 'command source'.",
    discussion: "rrs replay -d lldb hands them to LLDB by itself; who starts LLDB otherwise needs them.")

  @OptionGroup var global: GlobalOptions

  func run() {
    var output = StandardOutput()
    output.print(LLDBScript.text)
  }
}
