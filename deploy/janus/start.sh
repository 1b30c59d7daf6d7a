#!/bin/sh
# Starts Janus in a container with the same settings the launcher writes for a local one.
set -eu
folder=/tmp/center-janus
mkdir -p "$folder"
modules=$(dirname "$(find / -name libjanus_videoroom.so -path '*janus*' 2>/dev/null | head -n 1)")/..
cat > "$folder/janus.jcfg" <<EOF
general: {
  configs_folder = "$folder"
  plugins_folder = "$modules/plugins"
  transports_folder = "$modules/transports"
  api_secret = "$JANUS_API_SECRET"
  session_timeout = 60
  reclaim_session_timeout = 45
  recordings_tmp_ext = "tmp"
}
certificates: { }
media: { ipv6 = false  rtp_port_range = "${MEDIA_PORTS:-40000-59999}"  no_media_timer = 1 }
nat: { ignore_mdns = true }
events: { broadcast = false }
EOF
cat > "$folder/janus.transport.websockets.jcfg" <<EOF
general: { json = "compact"  ws = true  ws_ip = "127.0.0.1"  ws_port = $JANUS_PORT  wss = false  pingpong_trigger = 10  pingpong_timeout = 5 }
admin: { admin_ws = false }
EOF
echo "general: { admin_key = \"$JANUS_API_SECRET\"  string_ids = true }" > "$folder/janus.plugin.videoroom.jcfg"
exec janus -F "$folder" -C "$folder/janus.jcfg"
