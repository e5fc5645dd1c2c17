# Reads the instance metadata service. To be sourced: `imds PATH` prints the body of http://169.254.169.254/latest/PATH.
# IMDSv2 first: a session token for six hours; without one, plain requests (IMDSv1).
# nc rather than wget: busybox's wget cannot send PUT. Its input stays open until the answer is there, because a server
# may take a client that has stopped sending for one that has gone.
IMDS_STATE=/run/imds

# imds_request METHOD PATH HEADER: one exchange. The body goes to $IMDS_STATE/body, the status to $imds_status,
# which is empty if nobody answered in whole.
imds_request() {
    imds_status='' imds_length=''
    [ -p $IMDS_STATE/request ] || { mkdir -p -m 700 $IMDS_STATE && mkfifo $IMDS_STATE/request; }
    exec 9<> $IMDS_STATE/request
    printf '%s %s HTTP/1.0\r\nHost: 169.254.169.254\r\nConnection: close\r\n%s\r\n' "$1" "/latest/$2" "${3:+$3$IMDS_CRLF}" >&9
    timeout 5 nc 169.254.169.254 80 <&9 > $IMDS_STATE/answer 2> /dev/null
    exec 9>&-
    {
        IFS=' ' read -r imds_protocol imds_code imds_reason || return 1
        while IFS= read -r imds_line; do
            imds_line=${imds_line%"$IMDS_CR"}
            case "$imds_line" in
            '') break ;;
            [Cc]ontent-[Ll]ength:*) imds_length=${imds_line#*:} ;;
            esac
        done
        cat > $IMDS_STATE/body
    } < $IMDS_STATE/answer
    if [ -n "$imds_length" ] && [ "$(wc -c < $IMDS_STATE/body)" -ne "$imds_length" ]; then
        return 1
    fi
    imds_status=${imds_code%"$IMDS_CR"}
}

# Prints the body of a leaf or a listing. Fails without output if there is no such leaf or the service is off.
imds() {
    imds_tries=0
    while :; do
        if [ ! -e $IMDS_STATE/token ]; then
            imds_request PUT api/token 'X-aws-ec2-metadata-token-ttl-seconds: 21600'
            case "$imds_status" in
            200) cp $IMDS_STATE/body $IMDS_STATE/token ;;
            ?*) : > $IMDS_STATE/token ;;
            esac
        fi
        if [ -e $IMDS_STATE/token ]; then
            imds_token=$(cat $IMDS_STATE/token)
            imds_request GET "$1" "${imds_token:+X-aws-ec2-metadata-token: $imds_token}"
            case "$imds_status" in
            200) cat $IMDS_STATE/body && return 0 ;;
            401) rm -f $IMDS_STATE/token ;;
            ?*) return 1 ;;
            esac
        fi
        imds_tries=$((imds_tries + 1))
        [ "$imds_tries" -lt 10 ] || return 1
        usleep 200000
    done
}

IMDS_CR=$(printf '\r')
IMDS_CRLF=$(printf '\r\n.') IMDS_CRLF=${IMDS_CRLF%.}
