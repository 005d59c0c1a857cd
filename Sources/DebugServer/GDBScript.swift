/// What gdb reads before it connects: rrs's commands and settings, in gdb's language and in Python.
package enum GDBScript {
  package static var text: String {
    let rows = DebuggerCommand.all.map { command in
      "RRSCommand(\"\(command.name)\", \"\(command.requestName)\", \"\(command.help)\", "
        + (command.tellsPlace ? "True" : "False") + ")\n"
    }
    return settings + "python\n" + functions + rows.joined() + "end\n" + hooks
  }

  private static let settings = """
    set prompt (rrs)\u{20}
    set python print-stack full
    set unwindonsignal on
    set non-stop off
    handle SIGURG stop

    """

  /// gdb keeps the arguments of `run` for the next one; without any it shall go to the start.
  private static let hooks = """
    define hookpost-run
    set args
    end

    """

  /// A request is `qRRCmd:NAME:THREAD:ARGUMENT…`, the arguments in digits. The answer is a text in digits, or a place
  /// to go to, by `run`: gdb then looks at everything anew, as it must.
  private static let functions = #"""
    rrs_is_moving = False

    def rrs_ask(name, arguments):
        thread = gdb.selected_thread()
        number = "%x" % thread.ptid[1] if thread and thread.ptid[1] else "-1"
        packet = ":".join(["qRRCmd", name, number] + [argument.encode().hex() for argument in arguments])
        output = gdb.execute("maint packet " + packet, to_string=True)
        return output.split('received: "', 1)[1].rsplit('"', 1)[0]

    def rrs_place():
        try:
            frame = gdb.selected_frame()
            line = frame.find_sal()
            name = frame.name() or "??"
            if line.symtab:
                return "%s at %s:%d" % (name, line.symtab.filename, line.line)
            return "%s at 0x%x" % (name, frame.pc())
        except gdb.error:
            return "??"

    class RRSCommand(gdb.Command):
        def __init__(self, name, request, help, tells_place):
            self.__doc__ = help
            self.request = request
            self.tells_place = tells_place
            super().__init__(name, gdb.COMMAND_RUNNING)

        def invoke(self, text, from_tty):
            global rrs_is_moving
            self.dont_repeat()
            arguments = [rrs_place()] if self.tells_place else gdb.string_to_argv(text)
            answer = rrs_ask(self.request, arguments)
            if answer.startswith("place:"):
                rrs_is_moving = self.request in ("back", "forward")
                try:
                    gdb.execute("run " + answer[6:])
                finally:
                    rrs_is_moving = False
            elif answer:
                gdb.write(bytes.fromhex(answer).decode(errors="replace") + "\n")

    class RRSJump(gdb.Command):
        """A recorded program can't go elsewhere than it went."""
        def __init__(self, name):
            super().__init__(name, gdb.COMMAND_RUNNING)

        def invoke(self, text, from_tty):
            raise gdb.GdbError("A recorded program can't jump: it goes where it went when it was recorded.")

    def rrs_stopped(event):
        # Moves in the history don't make history.
        if not rrs_is_moving:
            try:
                rrs_ask("history-push", [])
            except (gdb.error, IndexError):
                pass

    gdb.events.stop.connect(rrs_stopped)
    RRSJump("jump")

    """#
}
