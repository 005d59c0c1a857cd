/// What LLDB reads before it connects, by `command source`: rrs's commands and settings, in LLDB's language and in
/// Python.
package enum LLDBScript {
  package static var text: String {
    let commands = DebuggerCommand.all.map { command in
      "rrs_add(\"\(command.requestName)\", \"\(command.help)\", " + (command.tellsPlace ? "True" : "False") + ")\n"
    }
    // LLDB's `script` takes one line.
    return "settings set prompt \"(rrs) \"\nscript exec(\(literal(functions + commands.joined())), globals())\n"
  }

  private static func literal(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\": quoted += "\\\(scalar)"
      case "\n": quoted += "\\n"
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }

  /// LLDB has no `run` to a place: the server goes there at the next `continue`.
  private static let functions = #"""
    def rrs_ask(debugger, request, arguments):
        thread = debugger.GetSelectedTarget().GetProcess().GetSelectedThread()
        number = "%x" % thread.GetThreadID() if thread.IsValid() else "-1"
        packet = ":".join(["qRRCmd", request, number] + [argument.encode().hex() for argument in arguments])
        result = lldb.SBCommandReturnObject()
        debugger.GetCommandInterpreter().HandleCommand("process plugin packet send " + packet, result)
        for line in result.GetOutput().splitlines():
            if line.startswith("response: "):
                return line[len("response: "):]
        return None

    def rrs_place(debugger):
        frame = debugger.GetSelectedTarget().GetProcess().GetSelectedThread().GetSelectedFrame()
        line = frame.GetLineEntry()
        name = frame.GetFunctionName() or "??"
        if line.IsValid():
            return "%s at %s:%d" % (name, line.GetFileSpec().GetFilename(), line.GetLine())
        return "%s at 0x%x" % (name, frame.GetPC())

    def rrs_add(request, help, tells_place):
        class Command:
            def __init__(self, debugger, dictionary):
                pass

            def get_short_help(self):
                return help

            def __call__(self, debugger, text, context, result):
                arguments = [rrs_place(debugger)] if tells_place else text.split()
                answer = rrs_ask(debugger, request, arguments)
                if answer is None:
                    result.SetError("there is no recording to ask")
                elif answer.startswith("place:"):
                    debugger.HandleCommand("process continue")
                else:
                    result.AppendMessage(bytes.fromhex(answer).decode(errors="replace"))

        name = "RRSCommand_" + request.replace("-", "_")
        globals()[name] = Command
        lldb.debugger.HandleCommand("command script add --class " + name + " " + request)

    """#
}
