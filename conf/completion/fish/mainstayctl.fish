# fish: what may follow, mainstayctl says itself.
function __mainstayctl
        set -l words (commandline -opc)
        mainstayctl --complete $words[2..-1] (commandline -ct) 2> /dev/null
end
complete -c mainstayctl -a '(__mainstayctl)'
