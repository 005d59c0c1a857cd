import ArgumentParser
import TraceFormat

/// `rrs ps`
struct ProcessesCommand: Verb {
  static let form = VerbForm(name: "ps", options: [])

  static let configuration = VerbForm.configuration(
    "ps", abstract: "List the processes of a recording.",
    discussion: """
      Columns, separated by tabs: PID (and the process's own number in its namespace, where it differs), PPID, EXIT \
      (the exit status, -SIGNAL, 'none' or 'detach'), CMD.
      """)

  @Argument(help: "The trace. (default: the latest)", completion: .traces)
  var trace: String?

  func run() throws {
    let reader = try TraceReader(directory: TraceDirectory().resolve(trace))
    let tree = try ProcessTree(reader.traceeCursor())
    var output = StandardOutput()
    output.print("PID\tPPID\tEXIT\tCMD")
    for process in tree.processes { output.print(process.row) }
  }
}
