import { availableParallelism } from 'node:os'
import { describe, expect, test } from 'vitest'
import { ConfigError, Environment, readConfig } from '../src/config.ts'

const names = Object.keys(Environment.shape)

/** A value that each variable takes, and what it becomes. */
const given: Record<string, { text: string; name: string; value: unknown }> = {
  HOST: { text: '127.0.0.1', name: 'host', value: '127.0.0.1' },
  PORT: { text: '8080', name: 'port', value: 8080 },
  LOG_LEVEL: { text: 'debug', name: 'logLevel', value: 'debug' },
  LOSSD_WORKERS: { text: '3', name: 'workers', value: 3 },
  LOSSD_MAX_BODY_BYTES: { text: '2048', name: 'maxBodyBytes', value: 2048 },
  LOSSD_MAX_QUEUE: { text: '7', name: 'maxQueue', value: 7 },
  LOSSD_INLINE_MAX_BYTES: { text: '0', name: 'inlineMaxBytes', value: 0 },
  LOSSD_REQUEST_TIMEOUT_MS: { text: '1500', name: 'requestTimeoutMs', value: 1500 },
  LOSSD_SHUTDOWN_GRACE_MS: { text: '0', name: 'shutdownGraceMs', value: 0 },
  LOSSD_DRAIN_DELAY_MS: { text: '250', name: 'drainDelayMs', value: 250 },
  LOSSD_API_KEYS: { text: ' one, two ,,', name: 'apiKeys', value: ['one', 'two'] },
  LOSSD_RATE_LIMIT: { text: '60', name: 'rateLimit', value: 60 },
  LOSSD_COMPRESS_ANSWERS: { text: 'true', name: 'compressAnswers', value: true },
  LOSSD_CORS_ORIGINS: { text: 'https://a.example', name: 'corsOrigins', value: ['https://a.example'] },
}

/** Values that a variable does not take. */
const bad: Record<string, readonly string[]> = {
  PORT: ['http', '-1', '65536', '80.5', 'NaN', 'Infinity'],
  LOG_LEVEL: ['loud', 'INFO'],
  LOSSD_WORKERS: ['0', '-2', '1.5', 'many', '257'],
  LOSSD_MAX_BODY_BYTES: ['1023', '64MB', '1e12'],
  LOSSD_MAX_QUEUE: ['0', 'x'],
  LOSSD_INLINE_MAX_BYTES: ['-1', 'x'],
  LOSSD_REQUEST_TIMEOUT_MS: ['0', '10s'],
  LOSSD_SHUTDOWN_GRACE_MS: ['-1', 'x'],
  LOSSD_DRAIN_DELAY_MS: ['-1', 'x'],
  LOSSD_RATE_LIMIT: ['-1', '0.5', 'x'],
  LOSSD_COMPRESS_ANSWERS: ['maybe'],
}

function messageOf(environment: Record<string, string>): string {
  try {
    readConfig(environment)
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError)
    return (error as Error).message
  }
  return ''
}

describe('the configuration', () => {
  test('evaluates more on the main thread where there are hardly more processors than it needs', () => {
    expect(readConfig({ LOSSD_WORKERS: '2' }).inlineMaxBytes).toBe(65_536)
    expect(readConfig({ LOSSD_WORKERS: '3' }).inlineMaxBytes).toBe(16_384)
  })

  test('has the defaults of the contract', () => {
    expect(readConfig({})).toMatchObject({
      host: '0.0.0.0',
      port: 3000,
      logLevel: 'info',
      workers: availableParallelism(),
      maxBodyBytes: 64 * 2 ** 20,
      apiKeys: [],
      rateLimit: 0,
      corsOrigins: [],
    })
  })

  test('is of variables that these tests know, each of them', () => {
    expect(Object.keys(given).sort()).toEqual([...names].sort())
  })

  for (const [variable, { text, name, value }] of Object.entries(given)) {
    test(`reads ${variable}`, () => {
      // Its default depends on another variable.
      const fixed = { LOSSD_INLINE_MAX_BYTES: '1' }
      expect(readConfig({ ...fixed, [variable]: text })).toEqual({ ...readConfig(fixed), [name]: value })
    })

    test(`takes an empty ${variable} for an absent one`, () => {
      expect(readConfig({ [variable]: '' })).toEqual(readConfig({}))
    })
  }

  for (const [variable, texts] of Object.entries(bad)) {
    test.each(texts)(`refuses ${variable}=%s by name`, (text) => {
      expect(messageOf({ [variable]: text })).toContain(`${variable}=${text}: `)
    })
  }

  test('names every bad variable in one message', () => {
    const message = messageOf(Object.fromEntries(Object.entries(bad).map(([variable, [text]]) => [variable, text!])))
    for (const variable of Object.keys(bad)) expect(message).toContain(`${variable}=`)
    expect(message.split('\n')).toHaveLength(Object.keys(bad).length + 1)
  })

  test('does not say the good variables, of which one is a list of keys', () => {
    expect(messageOf({ PORT: 'x', LOSSD_API_KEYS: 'secret' })).not.toContain('secret')
  })

  test('takes no notice of other variables', () => {
    expect(readConfig({ LOSSD_WORKER: '3', PATH: '/bin' })).toEqual(readConfig({}))
  })

  test('cannot be changed', () => {
    expect(Object.isFrozen(readConfig({}))).toBe(true)
  })
})
