-- haproxy.lua - asks jwtd whose request it is: see haproxy.cfg. txn.jwtd_user is set where jwtd knows whose it is,
-- txn.jwtd_silent where jwtd does not answer. It needs HAProxy 2.5 or later with Lua, as Debian's is, and nothing else.
local verify = os.getenv("JWTD_VERIFY")

core.register_action("jwtd_verify", { "http-req" }, function(txn)
    local given = txn.http:req_get_headers()
    local fields = { authorization = given["authorization"], cookie = given["cookie"] }
    local answer = core.httpclient():get { url = verify, headers = fields, timeout = 5000 }
    if answer and answer.status == 204 then
        txn:set_var("txn.jwtd_user", answer.headers["remote-user"][0])
    elseif not answer or answer.status ~= 401 then
        txn:set_var("txn.jwtd_silent", true)
    end
end)
