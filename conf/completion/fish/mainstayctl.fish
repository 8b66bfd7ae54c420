# fish: what may follow, mainstayctl says itself.
function __mainstayctl
        set -l words (commandline -opc)
        mainstayctl --complete $words[2..-1] (commandline -ct) 2> /dev/null
end
# Files, where it says nothing.
complete -c mainstayctl -n 'count (__mainstayctl) > /dev/null' -f -a '(__mainstayctl)'
