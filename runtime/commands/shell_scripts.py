"""How do bash, zsh and fish ask what a word could be, and where is it said that they do?

Each script hands the words of the line to ``cnnscope --complete``, whose answer is a line that says whether
files will do, too, and a line for each candidate, which begins with ``=``. What a candidate is made of is
never run by the shell: zsh and fish quote it as they insert it, for bash it comes quoted.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from cnnscope.runtime.commands.messages import Misuse
from cnnscope.runtime.commands.writing import save

BASH: Final = r"""# bash completion of cnnscope; written by: cnnscope --show-completion bash
_cnnscope_completion() {
    local program=$1 line files
    COMPREPLY=()
    type -P -- "$program" >/dev/null || program=cnnscope
    {
        IFS= read -r files
        while IFS= read -r line; do
            COMPREPLY+=("${line#=}")
        done
    } < <("$program" --complete bash "${COMP_LINE:0:COMP_POINT}" "$COMP_WORDBREAKS" </dev/null 2>/dev/null)
    case $files in
    models | files)
        local pattern='!*.onnx'
        [[ $files == files ]] && pattern=
        compopt -o filenames 2>/dev/null
        while IFS= read -r line; do
            COMPREPLY+=("$line")
        done < <(compgen -d -- "$2"; compgen -f -X "${pattern:-}" -- "$2" | while IFS= read -r line; do
            [[ -d $line ]] || printf '%s\n' "$line"
        done)
        ;;
    open) compopt -o nospace 2>/dev/null ;;
    esac
}
complete -o nosort -F _cnnscope_completion cnnscope 2>/dev/null || complete -F _cnnscope_completion cnnscope
"""

ZSH: Final = r"""#compdef cnnscope
# zsh completion of cnnscope; written by: cnnscope --show-completion zsh
_cnnscope() {
    local program=$words[1] line word said files prefix=$PREFIX
    local -a before lines whole whole_said open open_said
    (( $+commands[$program] )) || [[ -x $program ]] || program=cnnscope
    (( CURRENT > 2 )) && before=("${(@Q)words[2,CURRENT-1]}")
    [[ -n $compstate[quote] ]] || prefix=${(Q)PREFIX}
    lines=("${(@f)$("$program" --complete zsh "${before[@]}" "$prefix" </dev/null 2>/dev/null)}")
    files=$lines[1]
    for line in "${(@)lines[2,-1]}"; do
        [[ $line == '='* ]] || continue
        line=${line#'='}
        word=${line%%$'\t'*}
        said=$word
        [[ $line == *$'\t'* ]] && said="$word  -- ${line#*$'\t'}"
        if [[ $word == *[=,/] ]]; then
            open+=("$word") open_said+=("$said")
        else
            whole+=("$word") whole_said+=("$said")
        fi
    done
    (( $#open )) && compadd -V cnnscope -l -d open_said -S '' -- "${open[@]}"
    (( $#whole )) && compadd -V cnnscope -l -d whole_said -- "${whole[@]}"
    case $files in
    models) _files -g '*.onnx(-.)' ;;
    files) _files ;;
    esac
    return 0
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _cnnscope "$@"
else
    (( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }
    compdef _cnnscope cnnscope
fi
"""

FISH: Final = r"""# fish completion of cnnscope; written by: cnnscope --show-completion fish
function __cnnscope_completion
    set -l before (commandline -opc)
    set -l now (commandline -ct)
    test (count $now) -eq 0; and set now ''
    set -l word (string unescape -- $now[1])
    test (count $word) -eq 0; and set word (string trim --left --chars '"\'' -- $now[1])
    set -l program $before[1]
    command -q -- $program; or set program cnnscope
    set -e before[1]
    set -l lines (command $program --complete fish $before "$word" </dev/null 2>/dev/null)
    for line in $lines[2..]
        string sub --start 2 -- $line
    end
    switch "$lines[1]"
        case models
            __fish_complete_suffix .onnx
        case files
            __fish_complete_path "$word"
    end
end
complete -c cnnscope -e
complete -c cnnscope -k -f -a '(__cnnscope_completion)'
"""

SCRIPTS: Final = {"bash": BASH, "zsh": ZSH, "fish": FISH}


def shell_named(name: str | None) -> str:
    """A shell's name; without one, that of the shell this process was started from.

    Raises:
        Misuse: there is no script for it.
    """
    if name is None:
        name = _own_shell()
        if name is None:
            raise Misuse(f"which shell this is can't be told: name it ({', '.join(SCRIPTS)})")
    if name not in SCRIPTS:
        raise Misuse(f"there is no completion for {name!r}; there is for {', '.join(SCRIPTS)}")
    return name


def _own_shell() -> str | None:
    try:
        import shellingham  # type: ignore[import-untyped]  # what typer needs it for, too: it looks at the processes above this one

        return str(shellingham.detect_shell()[0])
    except Exception:  # noqa: BLE001  # it isn't there, or has no way to tell
        name = Path(os.environ.get("SHELL", "")).name
        return name or None


def install(shell: str) -> str:
    """Write a shell's script where it finds it, now and after an update; in words, what was done.

    fish looks into its own folder; bash and zsh get a line at the end of what they read at their start.

    Raises:
        Misuse: a file can't be written.
    """
    if shell == "fish":
        config = _folder("XDG_CONFIG_HOME", ".config")
        script = config / "fish" / "completions" / "cnnscope.fish"
        _write(script, FISH)
        return f"{script}: written; new shells have it\n"
    script = _folder("XDG_DATA_HOME", ".local/share") / "cnnscope" / f"completion.{shell}"
    _write(script, SCRIPTS[shell])
    start = Path.home() / ".bashrc"
    if shell == "zsh":
        start = Path(os.environ.get("ZDOTDIR") or Path.home()) / ".zshrc"
    line = f"[ -r {_single(script)} ] && . {_single(script)}  # completion of cnnscope"
    said = f"{script}: written\n"
    try:
        text = start.read_text("utf-8", "surrogateescape") if start.exists() else ""
        if line in text.splitlines():
            return f"{said}{start}: reads it already; new shells have it\n"
        with start.open("a", encoding="utf-8") as file:
            file.write(f"{'' if not text or text.endswith(chr(10)) else chr(10)}{line}\n")
    except OSError as error:
        raise Misuse(f"{start}: can't be written: {error.strerror or error}") from None
    return f"{said}{start}: a line at its end reads it; new shells have it\n"


def _folder(variable: str, usual: str) -> Path:
    named = Path(os.environ.get(variable, ""))
    return named if named.is_absolute() else Path.home() / usual


def _single(path: Path) -> str:
    return "'" + str(path).replace("'", "'\\''") + "'"


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Misuse(f"{path.parent}: can't be made: {error.strerror or error}") from None
    save(text, path)
