{
LC_ALL=C
export LC_ALL
case $f in /*) ;; *) f=./$f ;; esac
folder=${f%/*}/ base=${f##*/}
me=$$
exec 3<&0 </dev/null
(cat <&3 >/dev/null; kill "$me") >/dev/null 2>&1 &
exec 3<&-

say() { printf '\036%s %s %s %s\n' "$n" "$1" "${2:--}" "${3:-0}"; }
rest() { sleep 0.3 2>/dev/null || sleep 1; }
if stat -L -c %d / >/dev/null 2>&1; then
  look() { stat -L -c '%d:%i %s %Y' "$@" 2>/dev/null; }
else
  look() { stat -L -f '%d:%i %z %m' "$@" 2>/dev/null; }
fi
# Which file is read, its size and when it was written to; which one has the name now, and its size.
look_at_both() {
  set -- $(look /dev/fd/4 "$f" 4<&4)
  [ "$#" -ge 3 ] || exit 1
  id=$1 size=$2 modified=$3 named_id=$4 named_size=$5
}
hex() {
  set -- $(od -A n -v -t x1 2>/dev/null)
  echo "$*"
}
# Whether the bytes in front of the place are those that were read; also where nobody can say.
is_it() {
  [ "$have" -gt 0 ] || return 0
  got=$(tail -c "+$((at - have + 1))" 2>/dev/null | head -c "$have" 2>/dev/null | hex)
  [ -z "$got" ] || [ "$got" = "$bytes" ]
}
# The first bytes, by which a file is known that was shortened and has grown again since.
first() { head -c "$count" <"$f" 2>/dev/null | hex; }
note() {
  count=$size
  [ "$count" -le 256 ] || count=256
  begins=$(first)
}
is_anew() {
  [ "$size" -ge "$top" ] || return 0
  # As long as before it is another if it was written to: in another second than it was before, or
  # in the same, as long as that may last.
  [ "$size" -gt "$top" ] || [ "$modified" != "$was_modified" ] || [ "$quiet" -lt 5 ] || return 1
  [ "$named_id" = "$id" ] && [ "$count" -gt 0 ] && [ "$(first)" != "$begins" ] || return 1
  look_at_both
  [ "$named_id" = "$id" ]
}
# Whether there is a file that had the name after the old one and before this one.
is_between() {
  got=$( (cd "$folder" && find . ! -name . -prune -type f -newer "$old" ! -inum "${id#*:}" -print) 2>/dev/null |
    while IFS= read -r name; do
      case $name in ("./$base".* | "./$base"-[0-9]*) echo it; break ;; esac
    done)
  [ -n "$got" ]
}

told=
until [ -f "$f" ] && [ -r "$f" ]; do
  why=none
  [ -e "$f" ] && why=fail
  [ "$told" = "$why" ] || say "$why"
  told=$why
  rest
done
exec 4<"$f"
[ -n "$(look /dev/fd/4 4<&4)" ] || exit 1
look_at_both

if [ -z "$known" ] && [ -n "$told" ]; then
  at=0
  say new "$id" 0
elif [ -z "$known" ]; then
  tries=0
  while :; do
    before=$size
    end=$(($(tail -c "$max" <"$f" | tail -n "$last" | wc -c)))
    look_at_both
    tries=$((tries + 1))
    [ "$size" -eq "$before" ] || [ "$tries" -ge 5 ] && break
  done
  at=$((size - end))
  [ "$at" -gt 0 ] && at=$((at - 1)) || at=0
  say begin "$id" "$at"
elif [ "$known" = "$id" ]; then
  exec 5<"$f"
  set -- $(look /dev/fd/5 5<&5)
  [ "$1" = "$id" ] || exit 1
  if [ "$size" -ge "$at" ] && is_it <&5; then
    say same "$id" "$at"
  else
    at=0
    say cut "$id" 0
  fi
  exec 5<&-
else
  old=$(cd "$folder" && find . ! -name . -prune -type f -inum "${known#*:}" -print 2>/dev/null |
    head -n 1)
  found=lost
  if [ -n "$old" ] && [ -f "$folder$old" ] && [ -r "$folder$old" ] && is_it <"$folder$old"; then
    exec 5<"$folder$old"
    set -- $(look /dev/fd/5 5<&5)
    if [ "$1" = "$known" ] && [ "$2" -ge "$at" ]; then
      is_between || found=new
      say old "$known" "$at"
      tail -c "+$((at + 1))" <&5
    fi
    exec 5<&-
  fi
  at=0
  say "$found" "$id" 0
fi

top=$size
was_modified=$modified
note
if [ "$at" -gt 0 ]; then tail -c "+$((at + 1))" <&4; else cat <&4; fi
quiet=0
next=
while :; do
  look_at_both
  if is_anew; then
    before=$id
    [ -f "$f" ] || exit 1
    exec 4<"$f"
    look_at_both
    if [ "$id" = "$before" ]; then say cut "$id" 0; else say lost "$id" 0; fi
    top=0
    note
    continue
  fi
  if [ "$size" -gt "$top" ]; then
    [ "$count" -ge 256 ] || [ "$named_id" != "$id" ] || note
    cat <&4 || exit 1
    top=$size
    quiet=0
  else
    quiet=$((quiet + 1))
  fi
  was_modified=$modified
  if [ "$named_id" = "$id" ]; then
    [ -z "$next" ] || exec 5<&-
    next=
  elif [ -z "$next" ] && [ -n "$named_id" ] && [ -f "$f" ] && [ -r "$f" ]; then
    exec 5<"$f"
    set -- $(look /dev/fd/5 5<&5)
    next=$1
    waits=0
  fi
  if [ -n "$next" ]; then
    waits=$((waits + 1))
    is_over=
    if [ -z "$named_id" ]; then :
    elif [ "$named_id" != "$next" ]; then
      is_over=new
    elif [ "$named_size" -gt 0 ]; then
      [ "$waits" -ge 10 ] && [ "$quiet" -ge 10 ] && is_over=new
      [ "$waits" -ge 100 ] && is_over=${is_over:-lost}
    fi
    if [ -n "$is_over" ]; then
      cat <&4
      exec 4<&5 5<&-
      look_at_both
      say "$is_over" "$id" 0
      top=0
      quiet=0
      next=
      count=0
      [ "$named_id" != "$id" ] || note
      continue
    fi
  fi
  if [ "$quiet" -lt 20 ] || [ -n "$next" ]; then rest; else sleep 1; fi
done
}
