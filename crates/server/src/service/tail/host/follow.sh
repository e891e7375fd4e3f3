{
LC_ALL=C
export LC_ALL
case $f in /*) ;; *) f=./$f ;; esac
me=$$
exec 3<&0 </dev/null
(cat <&3 >/dev/null; kill "$me") >/dev/null 2>&1 &
exec 3<&-

say() { printf '\036%s %s %s %s\n' "$n" "$1" "${2:--}" "${3:-0}"; }
look() { stat -L -c '%d:%i %s' -- "$1" 2>/dev/null || stat -L -f '%d:%i %z' "$1" 2>/dev/null; }
look_at_file() {
  seen=$(look /dev/fd/4 4<&4) || exit 1
  id=${seen% *} size=${seen#* }
}
rest() { sleep 0.3 2>/dev/null || sleep 1; }

told=
until [ -f "$f" ] && [ -r "$f" ]; do
  why=none
  [ -e "$f" ] && why=fail
  [ "$told" = "$why" ] || say "$why"
  told=$why
  rest
done
exec 4<"$f"
look_at_file

if [ -z "$known" ] && [ -n "$told" ]; then
  at=0
  say new "$id" 0
elif [ -z "$known" ]; then
  tries=0
  while :; do
    before=$size
    end=$(($(tail -c "$max" <"$f" | tail -n "$last" | wc -c)))
    look_at_file
    tries=$((tries + 1))
    [ "$size" -eq "$before" ] || [ "$tries" -ge 5 ] && break
  done
  at=$((size - end))
  [ "$at" -gt 0 ] && at=$((at - 1)) || at=0
  say begin "$id" "$at"
elif [ "$known" = "$id" ] && [ "$size" -ge "$at" ]; then
  say same "$id" "$at"
elif [ "$known" = "$id" ]; then
  at=0
  say cut "$id" 0
else
  folder=$(dirname "$f")
  old=$(cd "$folder" && find . ! -name . -prune -type f -inum "${known#*:}" -print 2>/dev/null |
    head -n 1)
  [ -n "$old" ] && old=$folder/$old
  found=lost
  if [ -n "$old" ] && [ -f "$old" ] && [ -r "$old" ]; then
    exec 5<"$old"
    seen=$(look /dev/fd/5 5<&5)
    if [ "${seen% *}" = "$known" ] && [ "${seen#* }" -ge "$at" ]; then
      found=new
      say old "$known" "$at"
      tail -c "+$((at + 1))" <&5
    fi
    exec 5<&-
  fi
  at=0
  say "$found" "$id" 0
fi

if [ "$at" -gt 0 ]; then tail -c "+$((at + 1))" <&4; else cat <&4; fi
top=$size
quiet=0
waits=0
while :; do
  cat <&4 || exit 1
  look_at_file
  if [ "$size" -lt "$top" ]; then
    before=$id
    [ -f "$f" ] || exit 1
    exec 4<"$f"
    look_at_file
    if [ "$id" = "$before" ]; then say cut "$id" 0; else say lost "$id" 0; fi
    top=$size
    continue
  fi
  if [ "$size" -gt "$top" ]; then quiet=0; else quiet=$((quiet + 1)); fi
  top=$size
  now=$(look "$f") || now=
  if [ -n "$now" ] && [ "${now% *}" != "$id" ] && [ -f "$f" ] && [ -r "$f" ]; then
    waits=$((waits + 1))
    if [ "$waits" -ge 4 ] && [ "$quiet" -ge 4 ] || [ "$waits" -ge 30 ]; then
      cat <&4
      exec 4<"$f"
      look_at_file
      say new "$id" 0
      top=$size
      waits=0
      continue
    fi
  else
    waits=0
  fi
  rest
done
}
