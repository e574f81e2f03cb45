// browser.mjs NPM_FOLDER PICTURES PART URL - the page in headless Chromium, as a user meets it. Nothing sleeps: what is
// waited for is what the page shows. Every part ends with: no error on the console, nothing that the policy refused, no
// request to anywhere else.
import { execFileSync } from 'node:child_process'
import { connect } from 'node:net'
import { createRequire } from 'node:module'

const [folder, pictures, part, url] = process.argv.slice(2)
const { chromium } = createRequire(folder + '/')('playwright-core')
const check = (right, what) => console.log((right ? 'ok ' : 'FAIL ' + part + ': ') + what)
const same = (got, wanted, what) =>
  check(got === wanted, what + (got === wanted ? '' : `: ${JSON.stringify(got)}, not ${JSON.stringify(wanted)}`))

const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: process.getuid() === 0 ? ['--no-sandbox'] : [],
})

// A page of its own, which keeps a list of what must not happen. `expected`: statuses of answers that the console names.
async function open(options = {}, path = '') {
  const context = await browser.newContext(options)
  const page = await context.newPage()
  page.wrong = []
  page.on('console', message => {
    const refusal = /Failed to load resource: .* status of 4\d\d/.test(message.text()) // what a refused log-in looks like
    if (!refusal && ['error', 'warning'].includes(message.type())) page.wrong.push(message.text())
  })
  page.on('pageerror', error => page.wrong.push(String(error)))
  page.on('dialog', dialog => (page.wrong.push('a dialog'), dialog.dismiss()))
  page.on('request', request => {
    if (!request.url().startsWith(url) && !request.url().startsWith('data:')) page.wrong.push('asks ' + request.url())
  })
  await page.goto(new URL(path, url).href)
  return page
}
async function close(page) {
  same(page.wrong.join('; '), '', 'no errors, no violations, no request elsewhere')
  await page.context().close()
}

async function fill(page, name, password) {
  await page.getByLabel('User name').fill(name)
  await page.getByLabel('Password').fill(password)
}
const press = (page, button) => page.getByRole('button', { name: button, exact: true }).click()
const text = (page, selector) => page.locator(selector).textContent()
const shows = (page, selector, wanted) => page.waitForFunction(
  ([selector, wanted]) => new RegExp(wanted).test(document.querySelector(selector)?.textContent), [selector, wanted])

const parts = {
  async alone() {
    let page = await open({ colorScheme: 'light', viewport: { width: 760, height: 900 }, permissions: ['clipboard-read', 'clipboard-write'] })
    await page.screenshot({ path: pictures + '/login.png' })
    same(await page.evaluate(() => document.activeElement.name), 'username', 'the first field has the focus')
    page.on('request', request => request.url().endsWith('/logout') && page.wrong.push('asks for a log-out'))

    await fill(page, 'Romel', 'pass1425')
    await press(page, 'Log in')
    await shows(page, '#said', '^User not found$')
    same(await page.evaluate(() => document.activeElement.name), 'username', 'the name that is unknown has the focus')

    await press(page, 'Register')
    await shows(page, '#verdict', '^✓')
    same(await text(page, '#verdict'), '✓ Token is valid: Romel', 'a registration logs in')
    same(await text(page, '#whose'), 'The token of Romel', 'whose token it is')
    same(await page.evaluate(() => document.activeElement.id), 'whose', 'the result has the focus')
    same(await text(page, '#header'), '{"alg":"HS256","typ":"JWT"}', 'the header')
    const claims = JSON.parse(await text(page, '#payload'))
    same(Object.keys(claims).slice(0, 2).join(), 'sub,exp', 'the claims')
    check(/^(1 h 0 min|59 min \d+ s)$/.test(await text(page, '#left')), 'the time that is left: ' + await text(page, '#left'))
    check(await page.evaluate(() => document.querySelector('form').hidden), 'the form is away')
    same(await page.getByLabel('Password').inputValue(), '', 'the password is forgotten')
    const before = await text(page, '#left')
    await page.waitForFunction(before => document.querySelector('#left').textContent !== before, before)
    check(true, 'the time that is left counts down')

    const token = (await text(page, '.token')).trim()
    await press(page, 'Cheat: add a day')
    await shows(page, '#verdict', '^✗ Invalid token$')
    same(JSON.parse(await text(page, '#payload')).exp, claims.exp + 86400, 'a day more')
    const cheated = (await text(page, '.token')).trim().split('.')
    same([cheated[0], cheated[2]].join(), [token.split('.')[0], token.split('.')[2]].join(), 'only the claims are changed')

    await press(page, 'Log out')
    same(await page.evaluate(() => document.activeElement.name), 'username', 'logged out, the form is back')
    await fill(page, 'Romel', 'pass1426')
    await press(page, 'Log in')
    await shows(page, '#said', '^Invalid password$')
    same(await page.evaluate(() => document.activeElement.name), 'password', 'the password that is wrong has the focus')
    await page.screenshot({ path: pictures + '/wrong.png' })
    await fill(page, 'Romel', 'pass1425')
    await press(page, 'Register')
    await shows(page, '#said', '^Username already exists$')
    await page.locator('summary').click()

    // a time of jwtd's own: until when the tokens before this one were revoked
    const account = { username: 'Anna', password: 'pass1425' }
    await page.request.post(new URL('register', url).href, { data: account })
    await page.request.post(new URL('change-password', url).href, { data: { ...account, new_password: 'pass1426' } })
    await fill(page, 'Anna', 'pass1426')
    await press(page, 'Log in')
    await shows(page, '#verdict', '^✓')
    const { after } = JSON.parse(await text(page, '#payload'))
    check(Math.abs(after - Date.now() / 1000) < 60, 'the claim after is a time: ' + after)
    const shown = (await page.locator('#claims').innerText()).replaceAll('\n', ' ')
    const time = await page.evaluate(after => new Date(after * 1000).toLocaleString(), after)
    check(shown.includes('earlier ones revoked at ' + time) && !shown.includes(after), 'and is shown as one: ' + shown)
    await press(page, 'Log out')

    // the commands that it shows are commands, whatever the name
    await fill(page, "O'Hara \\ $HOME \"`", 'x')
    const commands = (await text(page, '#curl')).replaceAll('PASSWORD', 'pass1425')
    check(commands.includes(`'${new URL('login', url).href}'`), 'they ask this server')
    const said = execFileSync('sh', ['-c', commands], { encoding: 'utf8' }).trim().split('\n')
    same(said[0], '{"message":"User registered successfully"}', 'register, from the shell')
    same(said[1], JSON.stringify({ message: 'Token is valid', user: "O'Hara \\ $HOME \"`" }), 'verify, from the shell')
    await press(page, 'Copy')
    await shows(page, '#copied', '^copied$')
    same(await page.evaluate(() => navigator.clipboard.readText()), await text(page, '#curl'), 'they can be copied')
    await close(page)

    await parts.hostile()
    await parts.keyboard()
    await parts.errors()
    await parts.dark_phone()
    await parts.without_javascript()
    await parts.pipelined()
  },

  // A name that would be markup, and bytes that would end the script, are text.
  async hostile() {
    const name = '<img src=x onerror=alert(1)><script>alert(2)</' + 'script>"\'&amp;ünï😀'
    const page = await open()
    await fill(page, name, 'pass1425')
    await press(page, 'Register')
    await shows(page, '#verdict', '^✓')
    same(await text(page, '#whose'), 'The token of ' + name, 'a name full of HTML is text')
    same(await text(page, '#verdict'), '✓ Token is valid: ' + name, 'and there')
    same(await page.evaluate(() => document.querySelectorAll('img, script').length), 1, 'there is one script, no picture')
    await page.screenshot({ path: pictures + '/hostile.png' })
    await close(page)

    // that the policy is in force: a script that got in does not run
    const guarded = await open()
    same(await guarded.evaluate(() => new Promise(done => {
      document.addEventListener('securitypolicyviolation', event => done(event.effectiveDirective), { once: true })
      const script = document.createElement('script')
      try { script.textContent = 'document.title = "ran"' } catch { done('trusted types') }
      document.body.append(script)
    })).then(async said => said !== '' && await guarded.title()), 'Log in', 'a script that gets in does not run')
    await guarded.context().close()
  },

  async keyboard() {
    const page = await open()
    await page.waitForFunction(() => document.activeElement.name === 'username') // autofocus may come behind the load
    await page.keyboard.type('Keys')
    await page.keyboard.press('Tab')
    await page.keyboard.type('pass1425')
    await page.keyboard.press('Tab') // past Log in
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await shows(page, '#verdict', '^✓ Token is valid: Keys$')
    check(true, 'registered without a mouse')
    for (let i = 0; i < 3; i++) await page.keyboard.press('Tab')
    await page.keyboard.press('Space')
    await page.keyboard.type('Keys')
    await page.keyboard.press('Tab')
    await page.keyboard.type('pass1425')
    await page.keyboard.press('Enter')
    await shows(page, '#verdict', '^✓ Token is valid: Keys$')
    check(true, 'logged out and in without a mouse')
    await close(page)
  },

  // What a server that answers a form says by a code; what it says in `next` goes back to it.
  async errors() {
    for (const code of ['password', 'user', 'throttled', 'taken', 'busy', 'closed', 'input']) {
      const page = await open({}, '?error=' + code)
      check((await text(page, '#said')).length > 10, 'error=' + code + ' is said')
      same(await page.evaluate(() => document.querySelectorAll('[id^=error-]').length), 6, 'and only once')
      await close(page)
    }
    const raw = await open({}, '?next=/x%20y?a=1&error=user')
    same(await raw.evaluate(() => new FormData(document.forms[0]).get('next')), '/x%20y?a=1&error=user', 'all behind next=')
    same(await text(raw, '#said'), '', 'and nothing of it is an error')
    await close(raw)
    const page = await open({}, '?error=%3Cb%3E&next=%2Fx%3Fa%3D%22b%22')
    same(await text(page, '#said'), '', 'an unknown code says nothing')
    same(await page.evaluate(() => new FormData(document.forms[0]).get('next')), '/x?a="b"', 'next goes with the form')
    await page.route('**/login', route => route.fulfill({ status: 200, contentType: 'text/html', body: 'there' }))
    await fill(page, 'Romel', 'p w')
    const [request] = await Promise.all([page.waitForRequest('**/login'), press(page, 'Log in')])
    same(request.postData(), 'next=%2Fx%3Fa%3D%22b%22&username=Romel&password=p+w', 'the form itself is sent')
    await close(page)
  },

  async dark_phone() {
    const page = await open({ colorScheme: 'dark', viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, hasTouch: true })
    await page.screenshot({ path: pictures + '/login-dark-phone.png' })
    await fill(page, 'Romel', 'pass1425')
    await press(page, 'Log in')
    await shows(page, '#verdict', '^✓')
    same(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true, 'a phone is wide enough')
    const small = await page.evaluate(() => [...document.querySelectorAll('button, summary')].filter(
      e => e.checkVisibility() && e.getBoundingClientRect().height < 24).length) // WCAG 2.2, 2.5.8
    same(small, 0, 'buttons are large enough for a finger')
    await page.screenshot({ path: pictures + '/token-dark-phone.png', fullPage: true })
    await close(page)
    const light = await open({ colorScheme: 'light', viewport: { width: 760, height: 700 } })
    await fill(light, 'Romel', 'pass1425')
    await press(light, 'Log in')
    await shows(light, '#verdict', '^✓')
    await light.locator('main').screenshot({ path: pictures + '/token.png' }) // docs/page.png
    await light.locator('summary').click()
    await light.screenshot({ path: pictures + '/curl.png', fullPage: true })
    await close(light)
  },

  async without_javascript() {
    const page = await open({ javaScriptEnabled: false }, '#error-taken')
    check(await page.locator('#error-taken').isVisible(), 'the error that the fragment names is seen')
    check(!await page.locator('#error-user').isVisible(), 'no other is')
    await page.route('**/register', route => route.fulfill({ status: 200, contentType: 'text/html', body: 'there' }))
    await fill(page, 'Romel', 'p w')
    const [request] = await Promise.all([page.waitForRequest('**/register'), press(page, 'Register')])
    same(request.method() + ' ' + request.postData(), 'POST username=Romel&password=p+w', 'the form goes to register')
    await close(page)
  },

  // Twenty pages on one connection, asked for at once: more than the loop's buffer holds.
  async pipelined() {
    const { hostname, port } = new URL(url)
    const socket = connect(port, hostname)
    socket.end('GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(20))
    let got = ''
    for await (const bytes of socket) got += bytes
    same(got.split('</script>\n').length - 1, 20, 'twenty pages at once')
  },

  async expiry() {
    const page = await open({ colorScheme: 'light' })
    await fill(page, 'Romel', 'pass1425')
    await press(page, 'Register')
    await shows(page, '#verdict', '^✗ Token has expired$') // nobody presses anything: the page asks when the time is up
    same(await text(page, '#left'), 'none', 'nothing is left')
    await page.screenshot({ path: pictures + '/expired.png', fullPage: true })
    await close(page)
  },

  async closed() {
    const page = await open()
    await fill(page, 'Romel', 'pass1425')
    await press(page, 'Register')
    await shows(page, '#said', '^Registration is closed$')
    check(true, 'a closed registration is said')
    await page.route('**/login', route => route.abort())
    await press(page, 'Log in')
    await shows(page, '#said', '^The server does not answer$')
    check(true, 'a server that is away is said')
    page.wrong = page.wrong.filter(line => !line.includes('net::ERR_FAILED'))
    await close(page)
  },

  // A site behind nginx: who is nobody is led to the page, logs in there, and comes back to what was asked for, without
  // JavaScript too. Then the page knows who it is, and logs out.
  async guarded() {
    const asked = '/some%20where?a=1+1&b=2'
    for (const javaScriptEnabled of [true, false]) {
      const page = await open({ javaScriptEnabled }, asked), how = javaScriptEnabled ? 'a script' : 'no script'
      same(new URL(page.url()).pathname, '/auth/', how + ': led to the page')
      await fill(page, 'Romel', 'pass1426')
      await press(page, 'Log in')
      const said = page.locator(javaScriptEnabled ? '#said' : '#error-password')
      await said.filter({ hasText: /wrong/ }).waitFor()
      check(true, how + ': a wrong password is said')
      await fill(page, 'Romel', 'pass1425')
      await press(page, 'Log in')
      await page.locator('#site').waitFor()
      same(await text(page, '#site'), 'Romel asks for ' + asked, how + ': logged in, and back')
      await page.goto(new URL(asked, url).href)
      same(await text(page, '#site'), 'Romel asks for ' + asked, how + ': the cookie counts')
      if (javaScriptEnabled) await parts.logged_in(page, asked)
      await close(page)
      for (const path of ['/100%25', '/search?q=a%26b', '/a?b=%2B1', '/%2fa', '/%0d%0aX:%20y', '/%5Cevil/']) {
        const page = await open({ javaScriptEnabled }, path)
        for (const password of ['pass1426', 'pass1425']) { // back from a wrong one, too
          await fill(page, 'Romel', password)
          await Promise.all([page.waitForNavigation(), press(page, 'Log in')])
        }
        same(page.url(), new URL(path, url).href, how + ': back to the same URL')
        same(await text(page, '#site'), 'Romel asks for ' + path, how + ': as it was asked for')
        await close(page)
      }
      for (const hostile of ['//evil', '/\\evil', '%2F%2Fevil', '%2f%5cevil', '/\t/evil', '%2F%09/evil', 'https:evil', '%']) {
        const page = await open({ javaScriptEnabled }, '/auth/?next=' + hostile)
        await fill(page, 'Romel', 'pass1425')
        await press(page, 'Log in')
        await page.locator('#site').waitFor()
        same(new URL(page.url()).host, new URL(url).host, how + ': to no other host by ' + hostile)
        await close(page)
      }
    }
    const page = await open({ javaScriptEnabled: false }, '/auth/?next=//evil')
    await fill(page, 'Romel', 'pass1425')
    await press(page, 'Log in')
    await page.locator('#site').waitFor()
    same(page.url(), new URL('/', url).href, 'no script: to no other host')
    await close(page)
  },

  // With a cookie, on the guarded site.
  async logged_in(page, asked) {
    const led = async what => {
      await page.goto(new URL(asked, url).href)
      same(new URL(page.url()).pathname, '/auth/', what)
    }
    await page.goto(new URL('/auth/', url).href)
    await shows(page, '#whose', '^Logged in as Romel$')
    same(await text(page, '#verdict'), '✓ Token is valid: Romel', 'the cookie: whose it is')
    same(await page.evaluate(() => document.activeElement.id), 'whose', 'the cookie: it has the focus')
    check(!await page.locator('form').isVisible() && !await page.getByText('Claims').isVisible() &&
      !await page.getByText('Cheat').isVisible(), 'the cookie: no form, nothing of what no script sees')
    await page.screenshot({ path: pictures + '/cookie.png' })
    await page.route('**/logout', route => route.abort(), { times: 1 })
    await press(page, 'Log out')
    await shows(page, '#verdict', '^✗ The server does not answer$')
    check(!await page.locator('form').isVisible(), 'the cookie: not logged out where that fails')
    page.wrong = page.wrong.filter(line => !line.includes('net::ERR_FAILED'))
    await press(page, 'Ask again')
    await shows(page, '#verdict', '^✓ Token is valid: Romel$')
    await press(page, 'Log out')
    await page.locator('form').waitFor()
    same(await page.evaluate(() => document.activeElement.name), 'username', 'the cookie: logged out, the form is back')
    await led('the cookie: logged out')

    await page.goto(new URL('/auth/', url).href) // no next: the script logs in, and the token is seen too
    await fill(page, 'Romel', 'pass1425')
    await press(page, 'Log in')
    await shows(page, '#whose', '^The token of Romel$')
    check(await page.getByText('Claims').isVisible(), 'a log-in shows the token')
    await press(page, 'Log out')
    await page.locator('form').waitFor()
    await led('the cookie that came with it: logged out')
  },

  async under_a_path() {
    const page = await open()
    await fill(page, 'Romel', 'pass1425')
    await press(page, 'Register')
    await shows(page, '#verdict', '^✓ Token is valid: Romel$')
    check((await text(page, '#curl')).includes(`'${url}get-jwt'`), 'the commands have the path too')
    await close(page)
  },
}

try {
  await parts[part]()
} catch (error) {
  check(false, String(error.stack).split('\n').slice(0, 4).join(' | '))
}
await browser.close()
