module planar

go 1.26.0

require (
	github.com/BurntSushi/toml v1.5.0
	github.com/asticode/go-astiav v0.16.0
	github.com/bluenviron/gortmplib v1.0.2
	github.com/bluenviron/gortsplib/v5 v5.6.5
	github.com/bluenviron/mediacommon/v2 v2.9.4
	github.com/datarhei/gosrt v0.10.0
	github.com/inkyblackness/imgui-go/v4 v4.7.0
	github.com/jezek/xgb v1.1.1
	github.com/jfreymuth/pulse v0.1.1
	github.com/ncruces/zenity v0.10.14
	github.com/pion/rtcp v1.2.20
	github.com/pion/rtp v1.10.6
	github.com/q191201771/lal v0.37.4
	github.com/spf13/pflag v1.0.10
	github.com/veandco/go-sdl2 v0.4.40
	go.uber.org/goleak v1.3.0
	golang.org/x/image v0.44.0
	golang.org/x/net v0.58.0
	golang.org/x/sys v0.47.0
	golang.org/x/text v0.41.0
	gonum.org/v1/gonum v0.16.0
)

require (
	github.com/abema/go-mp4 v1.7.1 // indirect
	github.com/akavel/rsrc v0.10.2 // indirect
	github.com/asticode/go-astikit v0.42.0 // indirect
	github.com/benburkert/openpgp v0.0.0-20160410205803-c2471f86866c // indirect
	github.com/dchest/jsmin v0.0.0-20220218165748-59f39799265f // indirect
	github.com/google/uuid v1.6.0 // indirect
	github.com/gorilla/websocket v1.5.3 // indirect
	github.com/josephspurrier/goversioninfo v1.4.1 // indirect
	github.com/pion/logging v0.2.4 // indirect
	github.com/pion/randutil v0.1.0 // indirect
	github.com/pion/sdp/v3 v3.0.20 // indirect
	github.com/pion/srtp/v3 v3.0.13 // indirect
	github.com/pion/transport/v4 v4.1.0 // indirect
	github.com/q191201771/naza v0.30.48 // indirect
	github.com/randall77/makefat v0.0.0-20210315173500-7ddd0e42c844 // indirect
)

tool github.com/q191201771/lal/app/lalserver
