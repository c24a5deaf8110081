# bash completion of planar; generated from the flags, see cmd/planar/manual.go.
_planar() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} before= flag=
	((COMP_CWORD < 2)) || before=${COMP_WORDS[COMP_CWORD-2]}
	COMPREPLY=()
	# "--flag=value" and "wav:file" are three words each.
	case $prev$cur in
	*:*) return ;;
	esac
	if [[ $cur == = ]]; then
		flag=$prev cur=
	elif [[ $prev == = ]]; then
		flag=$before
	elif [[ $prev == -* ]]; then
		flag=$prev
	fi
	case ${COMP_WORDS[1]}$flag in
	push--channels)
		compopt +o default
		return
		;;
	esac
	case $flag in
	-s | --size)
		compopt +o default
		COMPREPLY=($(compgen -W 'qcif cif 4cif vga 480p 576p 720p 1080p 1440p 2k uhd 4k 8k' -- "$cur"))
		return
		;;
	-f | --pixel-format)
		compopt +o default
		COMPREPLY=($(compgen -W 'i420 yv12 nv12 nv21 i422 i444 yuy2 uyvy yuv420p10le yuv422p10le yuv444p10le p010 v210 y210 y410 ayuv rgb24 bgr24 rgba bgra gbrp gray gray10le gray16le' -- "$cur"))
		return
		;;
	-r | --fps)
		compopt +o default
		COMPREPLY=($(compgen -W '24000/1001 24 25 30000/1001 30 50 60000/1001 60' -- "$cur"))
		return
		;;
	--matrix)
		compopt +o default
		COMPREPLY=($(compgen -W 'bt601 bt709 bt2020' -- "$cur"))
		return
		;;
	--range)
		compopt +o default
		COMPREPLY=($(compgen -W 'limited full' -- "$cur"))
		return
		;;
	--siting)
		compopt +o default
		COMPREPLY=($(compgen -W 'left centre topleft' -- "$cur"))
		return
		;;
	--sample-format)
		compopt +o default
		COMPREPLY=($(compgen -W 'u8 s16le s16be s24le s24be s32le s32be f32le f32be f64le alaw mulaw s16le_planar' -- "$cur"))
		return
		;;
	--sample-rate)
		compopt +o default
		COMPREPLY=($(compgen -W '8000 16000 22050 32000 44100 48000 96000 192000' -- "$cur"))
		return
		;;
	--channels)
		compopt +o default
		COMPREPLY=($(compgen -W '1 2 6 8 mono stereo quad 5.1 7.1' -- "$cur"))
		return
		;;
	--audio-track)
		compopt +o default
		COMPREPLY=($(compgen -W 'none' -- "$cur"))
		return
		;;
	--channel-map)
		compopt +o default
		COMPREPLY=($(compgen -W '1,1 2,2 2,1' -- "$cur"))
		return
		;;
	--as)
		compopt +o default
		COMPREPLY=($(compgen -W 'raw-video raw-audio y4m media' -- "$cur"))
		return
		;;
	--loop)
		compopt +o default
		COMPREPLY=($(compgen -W 'inf' -- "$cur"))
		return
		;;
	--speed)
		compopt +o default
		COMPREPLY=($(compgen -W '0.25 0.5 1 2 4' -- "$cur"))
		return
		;;
	--osc)
		compopt +o default
		COMPREPLY=($(compgen -W 'auto always never' -- "$cur"))
		return
		;;
	--scale)
		compopt +o default
		COMPREPLY=($(compgen -W 'nearest bilinear bicubic' -- "$cur"))
		return
		;;
	--renderer)
		compopt +o default
		COMPREPLY=($(compgen -W 'auto software opengl' -- "$cur"))
		return
		;;
	--rtsp-transport)
		compopt +o default
		COMPREPLY=($(compgen -W 'auto udp tcp multicast http' -- "$cur"))
		return
		;;
	--latency)
		compopt +o default
		COMPREPLY=($(compgen -W 'auto' -- "$cur"))
		return
		;;
	--vo)
		compopt +o default
		COMPREPLY=($(compgen -W 'window null hash' -- "$cur"))
		return
		;;
	--ao)
		compopt +o default
		compopt -o nospace
		COMPREPLY=($(compgen -W 'device null wav:' -- "$cur"))
		return
		;;
	--log-level)
		compopt +o default
		COMPREPLY=($(compgen -W 'debug info warn error' -- "$cur"))
		return
		;;
	--copy)
		compopt +o default
		COMPREPLY=($(compgen -W 'auto yes no' -- "$cur"))
		return
		;;
	--video-codec)
		compopt +o default
		COMPREPLY=($(compgen -W 'h264 h265' -- "$cur"))
		return
		;;
	--audio-codec)
		compopt +o default
		COMPREPLY=($(compgen -W 'aac opus' -- "$cur"))
		return
		;;
	--bitrate)
		compopt +o default
		COMPREPLY=($(compgen -W '500k 1M 2M 4M 8M' -- "$cur"))
		return
		;;
	--audio-bitrate)
		compopt +o default
		COMPREPLY=($(compgen -W '64k 128k 256k' -- "$cur"))
		return
		;;
	--gop)
		compopt +o default
		COMPREPLY=($(compgen -W '500ms 1s 2s 25 50' -- "$cur"))
		return
		;;
	--preset)
		compopt +o default
		COMPREPLY=($(compgen -W 'ultrafast superfast veryfast faster fast medium slow slower veryslow' -- "$cur"))
		return
		;;
	--output-size)
		compopt +o default
		COMPREPLY=($(compgen -W 'qcif cif 4cif vga 480p 576p 720p 1080p 1440p 2k uhd 4k 8k' -- "$cur"))
		return
		;;
	--output-fps)
		compopt +o default
		COMPREPLY=($(compgen -W '24000/1001 24 25 30000/1001 30 50 60000/1001 60' -- "$cur"))
		return
		;;
	--audio-channels)
		compopt +o default
		COMPREPLY=($(compgen -W '1 2 6 8 mono stereo quad 5.1 7.1' -- "$cur"))
		return
		;;
	--retries)
		compopt +o default
		COMPREPLY=($(compgen -W '-1' -- "$cur"))
		return
		;;
	--listen)
		compopt +o default
		COMPREPLY=($(compgen -W '127.0.0.1:8554' -- "$cur"))
		return
		;;
	-a | --audio | --tls-ca | --screenshot | --stats | --tls-cert | --tls-key) return ;;
	--stride | --header-bytes | --frame-header-bytes | --audio-delay | --video-track | --start | --frames | --volume | --geometry | --open-timeout | --stagger | --user)
		compopt +o default
		return
		;;
	esac
	if [[ $cur == -* ]]; then
		case ${COMP_WORDS[1]} in
		probe) COMPREPLY=($(compgen -W '-s --size -f --pixel-format -r --fps --stride --header-bytes --frame-header-bytes --matrix --range --siting --sample-format --sample-rate --channels --as --forget --rtsp-transport --open-timeout --log-level -h --help --json' -- "$cur")) ;;
		push) COMPREPLY=($(compgen -W '--copy --video-codec --audio-codec --bitrate --audio-bitrate --gop --preset --output-size --output-fps -s --size -f --pixel-format -r --fps --stride --header-bytes --frame-header-bytes --matrix --range --siting --sample-format --sample-rate --audio-channels -a --audio --audio-delay --audio-track --video-track --as --forget --loop --no-audio --no-video --rtsp-transport --tls-ca --tls-insecure --reconnect --no-reconnect --open-timeout --stats --log-level --version -h --help --retries --channels --stagger --overwrite' -- "$cur")) ;;
		serve) COMPREPLY=($(compgen -W '--copy --video-codec --audio-codec --bitrate --audio-bitrate --gop --preset --output-size --output-fps -s --size -f --pixel-format -r --fps --stride --header-bytes --frame-header-bytes --matrix --range --siting --sample-format --sample-rate --channels -a --audio --audio-delay --audio-track --video-track --as --forget --loop --no-audio --no-video --rtsp-transport --tls-ca --tls-insecure --reconnect --no-reconnect --open-timeout --stats --log-level --version -h --help --listen --user --tls-cert --tls-key --multicast --accept-push' -- "$cur")) ;;
		*) COMPREPLY=($(compgen -W '-s --size -f --pixel-format -r --fps --stride --header-bytes --frame-header-bytes --matrix --range --siting --sample-format --sample-rate --channels -a --audio --audio-delay --audio-track --video-track --channel-map --as --forget --start --frames --loop --speed --pause --exit --volume --mute --no-audio --no-video --untimed --geometry --borderless -F --fullscreen --osc --scale --renderer --idle --rtsp-transport --latency --show-damaged --tls-ca --tls-insecure --reconnect --no-reconnect --open-timeout --vo --ao --screenshot --stats --log-level --version -h --help' -- "$cur")) ;;
		esac
	elif ((COMP_CWORD == 1)) && [[ -n $cur ]]; then
		# Commands and files; without a command readline finds the files.
		local found=$(compgen -W 'probe push serve' -- "$cur")
		[[ $found ]] || return
		compopt -o filenames
		local IFS=$'\n'
		COMPREPLY=($found $(compgen -f -- "$cur"))
	fi
}
complete -o default -F _planar planar
